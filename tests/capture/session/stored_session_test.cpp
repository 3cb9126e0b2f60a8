// Sessions whose methods merge what they evict or store entries in another form, against a branch in double precision
// whose entries the test changes itself, list by list, with the functions that policy/store_test checks.
#include <ATen/ops/clone.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "capture/session/session.h"
#include "core/policy/merging.h"
#include "core/policy/parts.h"
#include "core/runs/names.h"
#include "tests/capture/model/golden.h"
#include "tests/capture/session/naive_session.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::uint32_t kNewTokens = 9;

// Mean squares of the last 32 queries of each layer, [query heads, d], one number at a time.
class Queries final : public AttentionObserver {
 public:
  bool wants(LayerIndex) const override { return true; }
  void onAttention(const LayerAttention& attention) override {
    const at::Tensor query = attention.query.contiguous();
    const std::int64_t heads = query.size(0), tokens = query.size(1), d = query.size(2),
                       count = std::min<std::int64_t>(tokens, 32);
    std::vector<float>& squares = layers.emplace_back();
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t c = 0; c < d; ++c) {
        double sum = 0;
        for (std::int64_t t = tokens - count; t < tokens; ++t) {
          const double q = query.const_data_ptr<float>()[(head * tokens + t) * d + c];
          sum += q * q;
        }
        squares.push_back(static_cast<float>(sum / static_cast<double>(count)));
      }
  }
  std::vector<std::vector<float>> layers;
};

// A branch whose entries are changed as its method says.
class StoredBranch {
 public:
  StoredBranch(const Decoder& decoder, const PrefillResult& prefill, const Branch& branch, const Queries& queries,
               std::uint32_t tokens)
      : m_branch(branch),
        m_config(decoder.config()),
        m_tokens(tokens),
        naive(decoder, prefill, branch.decision, tokens) {
    for (std::uint32_t layer = 0; layer < m_config.layers; ++layer) {
      LayerCache& entries = naive.entries(layer);
      entries = {at::clone(entries.key), at::clone(entries.value)};
    }
    const policy::Method& method = *branch.request.method;
    if (method.merge->rule != policy::MergeRule::None) merge(method.merge->rule);
    if (method.store->form == nullptr) return;
    policy::FormShape shape{.layers = m_config.layers, .heads = m_config.kv_heads, .head_dim = m_config.head_dim};
    const std::size_t d = m_config.head_dim, group = m_config.query_heads / m_config.kv_heads;
    for (const std::vector<float>& squares : queries.layers)
      for (std::size_t head = 0; head < m_config.kv_heads; ++head)
        for (std::size_t c = 0; c < d; ++c) {
          double sum = 0;
          for (std::size_t q = 0; q < group; ++q) sum += squares[(head * group + q) * d + c];
          shape.query_squares.push_back(static_cast<float>(sum / static_cast<double>(group)));
        }
    form = method.store->form(branch.setting, shape);
    settle();
    pair();
  }

  void settle() {
    if (!form) return;
    for (std::uint32_t list = 0; list < m_config.layers * m_config.kv_heads; ++list) {
      const auto& held = listOf(list);
      const policy::RowRange due = form->due(list, static_cast<std::uint32_t>(held.size()));
      if (due.count == 0) continue;
      const std::vector<TokenIndex> rows(held.begin() + due.first, held.begin() + due.first + due.count);
      std::vector<float> key = read(list, rows, true), value = read(list, rows, false);
      form->settle(list, static_cast<std::uint32_t>(held.size()), {key, value});
      write(list, rows, key, true);
      write(list, rows, value, false);
    }
  }

  [[nodiscard]] std::uint64_t bytes() {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t list = 0; list < m_config.layers * m_config.kv_heads; ++list)
      rows.push_back(static_cast<std::uint32_t>(listOf(list).size()));
    if (form) return form->bytes(rows);
    std::uint64_t sum = 0;
    for (const std::uint32_t each : rows) sum += 2 * std::uint64_t{each} * m_config.head_dim * sizeof(float);
    return sum;
  }

 private:
  std::vector<TokenIndex>& listOf(std::uint32_t list) {
    return naive.list(list / m_config.kv_heads, list % m_config.kv_heads);
  }

  float* entry(std::uint32_t list, TokenIndex position, bool key) {
    LayerCache& layer = naive.entries(list / m_config.kv_heads);
    at::Tensor& tensor = key ? layer.key : layer.value;
    tensor = tensor.contiguous();
    const std::int64_t head = list % m_config.kv_heads;
    return tensor.mutable_data_ptr<float>() + (head * tensor.size(1) + position) * tensor.size(2);
  }

  std::vector<float> read(std::uint32_t list, const std::vector<TokenIndex>& positions, bool key) {
    std::vector<float> rows;
    for (const TokenIndex position : positions) {
      const float* const first = entry(list, position, key);
      rows.insert(rows.end(), first, first + m_config.head_dim);
    }
    return rows;
  }

  void write(std::uint32_t list, const std::vector<TokenIndex>& positions, const std::vector<float>& rows, bool key) {
    for (std::size_t i = 0; i < positions.size(); ++i)
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(i * m_config.head_dim), m_config.head_dim,
                  entry(list, positions[i], key));
  }

  void merge(policy::MergeRule rule) {
    for (std::uint32_t list = 0; list < m_config.layers * m_config.kv_heads; ++list) {
      const std::vector<TokenIndex> kept = listOf(list);
      std::vector<TokenIndex> lost;
      for (TokenIndex position = 0; position < m_tokens; ++position)
        if (!std::ranges::binary_search(kept, position)) lost.push_back(position);
      if (lost.empty()) continue;
      std::vector<float> lost_key = read(list, lost, true), lost_value = read(list, lost, false),
                         key = read(list, kept, true), value = read(list, kept, false);
      for (const std::uint32_t row : policy::mergeRows(rule, {lost_key, lost_value}, {key, value}, m_config.head_dim))
        into.push_back(kept[row]);
      write(list, kept, key, true);
      write(list, kept, value, false);
    }
  }

  void pair() {
    for (std::uint32_t list = 0; list < m_config.layers * m_config.kv_heads; ++list) {
      const auto below = form->partnerOf(list);
      if (!below) continue;
      const auto lower_list = static_cast<std::uint32_t>(*below);
      const std::vector<TokenIndex>&upper = listOf(list), &lower = listOf(lower_list);
      std::vector<policy::RowPair> pairs;
      for (std::uint32_t i = 0; i < upper.size(); ++i) {
        const auto found = std::ranges::find(lower, upper[i]);
        if (found != lower.end()) pairs.push_back({static_cast<std::uint32_t>(found - lower.begin()), i});
      }
      std::vector<float> a = read(lower_list, lower, true), b = read(lower_list, lower, false),
                         c = read(list, upper, true), e = read(list, upper, false);
      form->settlePair(list, pairs, {a, b}, {c, e});
      write(lower_list, lower, a, true);
      write(lower_list, lower, b, false);
      write(list, upper, c, true);
      write(list, upper, e, false);
    }
  }

  const Branch& m_branch;
  const ModelConfig& m_config;
  std::uint32_t m_tokens;

 public:
  NaiveBranch naive;
  std::unique_ptr<policy::StoredForm> form;
  std::vector<TokenIndex> into;
};

class StoredSession : public testing::TestWithParam<const char*> {};

TEST_P(StoredSession, decodesFromTheEntriesThatItsMethodsMake) {
  const OneThread one_thread;
  const Golden golden = loadGolden(GetParam());
  const std::vector<TokenId>& ids =
      std::ranges::max_element(golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids;
  const ScratchFolder scratch;
  SessionOptions options{.model = modelFolder(GetParam())};
  std::string text;
  for (const TokenId id : ids) text += std::to_string(id) + " ";
  options.prompt.ids_file = scratch.write("ids.txt", text);
  for (const char* method :
       {"snapkv:merge=pivot", "h2o:merge=weighted", "streamingllm:merge=average", "kivi:block=4,residual=8",
        "snapkv:bits=4,block=4,residual=4", "h2o:store=kvquant,outliers=0.1,block=4,residual=4",
        "gear:bits=2,block=4,residual=8,rank=2", "think:whole=2,ratio=0.5", "minicache:from=0",
        "snapkv:store=minicache", "adakv:merge=pivot,bits=8,block=4,residual=4"})
    options.methods.push_back(policy::parseMethod(method));
  options.budgets = {policy::parseBudget("12")};
  options.window = 4;
  options.max_new_tokens = kNewTokens;
  options.follow = runs::Follow::Full;
  options.device = "cpu";
  options.threads = 2;
  Session session(options, {});
  session.loadWeights({});
  const SessionResult result = session.run({});
  ASSERT_EQ(result.branches.size(), 12U);

  const Decoder decoder = Decoder::load(modelFolder(GetParam()), {}, {});
  Queries queries;
  const PrefillResult prefill = decoder.prefill(ids, &queries, {});
  const auto tokens = static_cast<std::uint32_t>(ids.size());
  std::vector<NaiveStep> full(1);
  NaiveBranch reference(decoder, prefill, result.branches[0].decision, tokens);
  for (std::size_t t = 1; t < result.tracks[0].ids.size(); ++t)
    full.push_back(reference.feed(result.tracks[0].ids[t - 1]));
  std::set<double> divergences;
  for (std::size_t b = 1; b < result.branches.size(); ++b) {
    SCOPED_TRACE(result.branches[b].label);
    const DecodeTrack& track = result.tracks[b];
    StoredBranch stored(decoder, prefill, result.branches[b], queries, tokens);
    EXPECT_EQ(result.branch_bytes[b], stored.bytes());
    EXPECT_EQ(track.merged.of_prompt, stored.into);
    double sum = 0;
    for (std::size_t t = 1; t < track.ids.size(); ++t) {
      const NaiveStep step = stored.naive.feed(result.tracks[0].ids[t - 1]);
      EXPECT_NEAR(track.kl[t], naiveKl(full[t].logits, step.logits), 3e-5) << t;
      EXPECT_EQ(track.held_bytes[t], stored.bytes()) << t;
      stored.settle();
      sum += track.kl[t];
    }
    EXPECT_GT(sum, 1e-4) << "the form makes a difference";
    divergences.insert(sum);
  }
  EXPECT_EQ(divergences.size(), 11U) << "each its own";
}

INSTANTIATE_TEST_SUITE_P(Models, StoredSession, testing::Values("llama2-gqa", "qwen3"), [](const auto& test) {
  std::string name = test.param;
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace kvatlas::capture::test
