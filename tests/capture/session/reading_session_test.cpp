// Sessions whose queries choose the pages that they read, against a branch in double precision whose every query goes
// through its pages one number at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "capture/session/session.h"
#include "core/runs/names.h"
#include "tests/capture/model/golden.h"
#include "tests/capture/session/naive_session.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::uint32_t kNewTokens = 9, kWindow = 4, kBudget = 10;

struct Case {
  const char* model;
  policy::Granularity granularity;
  policy::Preset preset = policy::Preset::Exact;
  std::uint32_t question = 0;  // tokens
};

// What a method's name and parameters say, written down once more.
struct Rule {
  std::string method;
  std::size_t page;
  bool largest = false;  // of the group's bounds
};
const Rule kRules[] = {{"quest:page=4,skip=0", 4},
                       {"quest:page=3,group=max,skip=0", 3, true},
                       {"quest:page=2,skip=1", 2},
                       {"quest:page=32,skip=0", 32},
                       {"pyramidkv:select=pages,page=1,beta=4", 1}};

double boundOf(const at::Tensor& query, const at::Tensor& keys, std::size_t begin, std::size_t end) {
  double sum = 0;
  for (std::int64_t c = 0; c < query.size(0); ++c) {
    double low = INFINITY, high = -INFINITY;
    for (std::size_t j = begin; j < end; ++j) {
      const double k = keys[static_cast<std::int64_t>(j)][c].item<double>();
      low = std::min(low, k);
      high = std::max(high, k);
    }
    const double q = query[c].item<double>();
    sum += std::max(q * low, q * high);
  }
  return sum;
}

// The pages in the order in which a list's queries want them.
class Reader {
 public:
  Reader(const Rule& rule, const Case& of, const ModelConfig& config, const policy::Decision& decision)
      : m_rule(rule), m_case(of), m_config(config), m_decision(decision) {}

  // Whether the lists of a layer are always read whole.
  [[nodiscard]] bool whole(std::uint32_t layer) const {
    return m_decision.reads[layer * m_decision.heads] == m_decision.capacity[0];
  }
  void read(std::uint32_t layer, std::uint32_t head, const at::Tensor& queries, const at::Tensor& keys,
            std::vector<bool>& visible) const {
    if (whole(layer)) return;
    const std::size_t budget = m_decision.reads[layer * m_decision.heads];
    std::vector<std::size_t> seen;
    for (std::size_t j = 0; j < visible.size(); ++j)
      if (visible[j]) seen.push_back(j);
    if (seen.size() <= budget) return;
    const bool paper = m_case.preset == policy::Preset::Paper;
    std::vector<std::size_t> pages;
    for (std::size_t p = seen.front() / m_rule.page; p <= seen.back() / m_rule.page; ++p) pages.push_back(p);
    std::vector<double> bounds(pages.back() + 1, 0.0);
    for (const std::size_t p : pages) bounds[p] = bound(p, head, queries, keys, visible.size());
    std::ranges::stable_sort(pages, [&](std::size_t a, std::size_t b) {
      const auto own = [&](std::size_t p) { return !paper && p == seen.back() / m_rule.page; };
      if (own(a) != own(b)) return own(a);
      return bounds[a] > bounds[b];
    });
    if (paper) pages.resize(std::min(pages.size(), std::max<std::size_t>(3, budget / m_rule.page)));
    std::set<std::size_t> chosen;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      std::vector<std::size_t> of_page;
      for (const std::size_t j : seen)
        if (j / m_rule.page == pages[i]) of_page.push_back(j);
      if (!paper && i == 0) std::ranges::reverse(of_page);  // its own page: the newest first
      for (const std::size_t j : of_page)
        if (paper || chosen.size() < budget) chosen.insert(j);
    }
    for (std::size_t j = 0; j < visible.size(); ++j) visible[j] = chosen.contains(j);
  }

 private:
  // kv-head: of all query heads that share the list.
  [[nodiscard]] double bound(std::size_t page, std::uint32_t head, const at::Tensor& queries, const at::Tensor& keys,
                             std::size_t positions) const {
    const std::uint32_t group = m_config.query_heads / m_config.kv_heads, kv = head / group;
    const std::size_t begin = page * m_rule.page, end = std::min(begin + m_rule.page, positions);
    const auto of = [&](std::uint32_t one) { return boundOf(queries[one], keys[kv], begin, end); };
    if (m_case.granularity == policy::Granularity::QueryHead) return of(head);
    double sum = 0, most = -INFINITY;
    for (std::uint32_t one = kv * group; one < (kv + 1) * group; ++one) {
      sum += of(one);
      most = std::max(most, of(one));
    }
    return m_rule.largest ? most : sum;
  }

  const Rule& m_rule;
  const Case& m_case;
  const ModelConfig& m_config;
  const policy::Decision& m_decision;
};

class Reading : public testing::TestWithParam<Case> {
 protected:
  Reading()
      : m_ids(std::ranges::max_element(m_golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids) {
    m_question.assign(m_ids.end() - GetParam().question, m_ids.end());
    m_ids.resize(m_ids.size() - m_question.size());
  }
  [[nodiscard]] SessionOptions options() const {
    SessionOptions options{.model = modelFolder(GetParam().model)};
    for (const Rule& rule : kRules) options.methods.push_back(policy::parseMethod(rule.method));
    options.budgets = {policy::parseBudget(std::to_string(kBudget))};
    options.granularity = GetParam().granularity;
    options.preset = GetParam().preset;
    options.window = kWindow;
    options.max_new_tokens = kNewTokens;
    options.follow = runs::Follow::Full;
    options.device = "cpu";
    options.threads = 2;
    return options;
  }
  [[nodiscard]] SessionResult result() const {
    const auto offsets = [](std::size_t tokens) { return std::vector<std::uint64_t>(tokens + 1, 0); };
    PreparedPrompt prompt{.ids = m_ids, .offsets = offsets(m_ids.size())};
    if (!m_question.empty()) prompt.questions = {{m_question, "", offsets(m_question.size())}};
    Session session(options(), openModel(options()), prompt, {});
    session.loadWeights({});
    session.watchAttended();
    return session.run({});
  }

  OneThread m_one_thread;
  Golden m_golden = loadGolden(GetParam().model);
  std::vector<TokenId> m_ids, m_question;
};

// Mass of the full cache's row on what was read, and the best of as many.
void expectMass(const DecodeTrack& track, std::size_t cell, const std::vector<double>& full,
                const std::vector<double>& read) {
  double mass = 0;
  std::size_t count = 0;
  for (std::size_t j = 0; j < full.size(); ++j)
    if (read[j] > 0) {
      mass += full[j];
      ++count;
    }
  std::vector<double> sorted = full;
  std::ranges::sort(sorted, std::greater<>{});
  EXPECT_NEAR(track.rows.retained[cell], mass, 1e-5);
  EXPECT_NEAR(track.rows.oracle[cell],
              std::accumulate(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count), 0.0), 1e-5);
}

// The recorded keys are the largest of those that were read, and no others.
void expectAttended(const Attended& attended, std::size_t cell, const std::vector<double>& row) {
  std::vector<double> sorted = row;
  std::ranges::sort(sorted, std::greater<>{});
  const auto read = static_cast<std::size_t>(std::ranges::count_if(row, [](double p) { return p > 0; }));
  for (std::size_t k = 0; k < kAttendedKeys; ++k) {
    const std::size_t at = cell * kAttendedKeys + k;
    if (k >= read) {
      EXPECT_EQ(attended.positions[at], UINT32_MAX);
      continue;
    }
    ASSERT_LT(attended.positions[at], row.size());
    EXPECT_NEAR(attended.mass[at], sorted[k], 1e-5);
    EXPECT_NEAR(row[attended.positions[at]], sorted[k], 1e-5);
  }
}

TEST_P(Reading, equalsTheSimulation) {
  const SessionResult result = this->result();
  ASSERT_EQ(result.branches.size(), 1 + std::size(kRules));
  const Decoder decoder = Decoder::load(modelFolder(GetParam().model), {}, {});
  const ModelConfig& config = decoder.config();
  const PrefillResult prefill = decoder.prefill(m_ids, nullptr, {});
  const auto tokens = static_cast<std::uint32_t>(m_ids.size());
  const auto fed = [&](NaiveBranch& branch, const NaiveReads& reads) {
    std::vector<NaiveStep> steps(1);
    for (const TokenId id : m_question) steps.front() = branch.feed(id);  // a question reads everything
    branch.readBy(reads);
    for (std::size_t t = 1; t < result.tracks[0].ids.size(); ++t)
      steps.push_back(branch.feed(result.tracks[0].ids[t - 1]));
    return steps;
  };
  NaiveBranch reference(decoder, prefill, result.branches[0].decision, tokens);
  const std::vector<NaiveStep> full = fed(reference, {});
  double difference = 0;
  for (std::size_t b = 1; b < result.branches.size(); ++b) {
    SCOPED_TRACE(result.branches[b].label);
    const DecodeTrack& track = result.tracks[b];
    const Reader reader(kRules[b - 1], GetParam(), config, result.branches[b].decision);
    NaiveBranch naive(decoder, prefill, result.branches[b].decision, tokens);
    const std::vector<NaiveStep> steps = fed(naive, [&](auto&&... query) { reader.read(query...); });
    EXPECT_TRUE(result.branches[b].decision.everything);
    EXPECT_TRUE(track.rows.evicted.empty());
    const std::uint64_t pages = (tokens + kRules[b - 1].page - 1) / kRules[b - 1].page;
    std::uint64_t lists = 0;  // that have bounds
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
      if (!reader.whole(layer)) lists += result.branches[b].decision.heads;
    EXPECT_EQ(result.branch_bytes[b],
              (std::uint64_t{tokens} * config.layers * result.branches[b].decision.heads + pages * lists) * 2 *
                  config.head_dim * sizeof(float));
    for (std::size_t t = 1; t < track.ids.size(); ++t) {
      EXPECT_EQ(track.ids[t], std::ranges::max_element(steps[t].logits) - steps[t].logits.begin());
      EXPECT_NEAR(track.kl[t], naiveKl(full[t].logits, steps[t].logits), 3e-5) << t;
      difference += track.kl[t];
      for (std::size_t layer = 0; layer < config.layers; ++layer)
        for (std::size_t head = 0; head < config.query_heads; ++head) {
          const std::size_t cell = (t * config.layers + layer) * config.query_heads + head;
          expectMass(track, cell, full[t].attention[layer][head], steps[t].attention[layer][head]);
          expectAttended(track.rows.attended, cell, steps[t].attention[layer][head]);
        }
    }
  }
  EXPECT_GT(difference, 1e-3) << "what is not read makes a difference";
}

INSTANTIATE_TEST_SUITE_P(Sessions, Reading,
                         testing::Values(Case{"llama2-gqa", policy::Granularity::KvHead},
                                         Case{"llama2-gqa", policy::Granularity::QueryHead},
                                         Case{"llama2-gqa", policy::Granularity::QueryHead, policy::Preset::Paper},
                                         Case{"qwen3", policy::Granularity::KvHead, policy::Preset::Paper},
                                         Case{"mistral-window", policy::Granularity::KvHead},
                                         Case{"llama2-gqa", policy::Granularity::KvHead, policy::Preset::Exact, 5}),
                         [](const auto& test) {
                           std::string name = test.param.model;
                           name += test.param.granularity == policy::Granularity::KvHead ? "KvHead" : "QueryHead";
                           if (test.param.preset == policy::Preset::Paper) name += "Paper";
                           if (test.param.question > 0) name += "Question";
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace kvatlas::capture::test
