// Sessions that evict while they decode, with and without a question behind the compressed prompt, against a simulation
// in double precision that keeps every query's attention and sums it anew at each decision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "capture/session/session.h"
#include "core/base/random.h"
#include "tests/capture/model/golden.h"
#include "tests/capture/session/evicting_simulation.h"
#include "tests/capture/session/naive_session.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::uint32_t kWindow = 4, kNewTokens = 9;

struct Case {
  const char* model;
  policy::Granularity granularity;
  std::uint32_t every;
  std::uint32_t question = 0;  // tokens
};

// The kept ones are the best; scores closer than float can tell may come either way, equal ones go to the lowest.
void expectBest(const std::vector<double>& scores, const std::vector<bool>& gone, double tolerance) {
  for (std::size_t kept = 0; kept < scores.size(); ++kept)
    for (std::size_t evicted = 0; evicted < scores.size(); ++evicted) {
      if (gone[kept] || !gone[evicted]) continue;
      if (scores[kept] == scores[evicted]) {
        EXPECT_LT(kept, evicted);
      } else {
        EXPECT_GT(scores[kept], scores[evicted] - tolerance);
      }
    }
}

// Tokens per layer at the end of the prompt, or, where that was within the budget, of the tokens so far.
std::vector<std::uint32_t> capacities(const Branch& branch, std::uint32_t tokens) {
  if (!branch.decision.everything) return branch.decision.capacity;
  policy::Setting setting = branch.setting;
  setting.shape.tokens = tokens;
  if (setting.budget >= tokens) return std::vector<std::uint32_t>(branch.decision.capacity.size(), tokens);
  return branch.request.method->allocate(setting, {});
}

class Evicting : public testing::TestWithParam<Case> {
 protected:
  Evicting()
      : m_ids(std::ranges::max_element(m_golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids) {
    m_question.assign(m_ids.end() - GetParam().question, m_ids.end());
    m_ids.resize(m_ids.size() - m_question.size());
  }

  // Without a question, the prompt as a user gives it.
  [[nodiscard]] Session session() const {
    if (m_question.empty()) return Session(options(), {});
    const auto offsets = [](std::size_t tokens) { return std::vector<std::uint64_t>(tokens + 1, 0); };
    const PreparedPrompt prompt{
        .ids = m_ids, .offsets = offsets(m_ids.size()), .questions = {{m_question, "", offsets(m_question.size())}}};
    return Session(options(), openModel(options()), prompt, {});
  }

  [[nodiscard]] SessionOptions options() const {
    SessionOptions options{.model = modelFolder(GetParam().model)};
    std::string text;
    for (const TokenId id : m_ids) text += std::to_string(id) + " ";
    options.prompt.ids_file = m_scratch.write("ids.txt", text);
    const std::string every = "every=" + std::to_string(GetParam().every);
    for (const char* method :
         {"streamingllm:sinks=2,", "h2o:", "snapkv:kernel=3,", "pyramidkv:kernel=3,", "random:", "tova:"})
      options.methods.push_back(policy::parseMethod(method + every));
    for (const std::string& budget : {std::string("5"), std::string("12"), std::to_string(m_ids.size() + 3)})
      options.budgets.push_back(policy::parseBudget(budget));
    options.granularity = GetParam().granularity;
    options.window = kWindow;
    options.max_new_tokens = kNewTokens;
    options.device = "cpu";
    options.threads = 1;
    return options;
  }

  Golden m_golden = loadGolden(GetParam().model);
  std::vector<TokenId> m_ids, m_question;
  ScratchFolder m_scratch;
  OneThread m_one_thread;
};

// Follows one branch: what it chooses, what it evicts, what is measured.
struct Follower {
  const SessionResult& result;
  std::size_t b;
  std::vector<NaiveStep>& full;  // [steps]; the first one is empty without a question
  std::uint32_t tokens, question, every;

  [[nodiscard]] bool ofQuestion(TokenIndex position) const {
    return position >= tokens && position < tokens + question;
  }

  void compareStep(NaiveBranch& naive, const NaiveStep& step, std::size_t t) const {
    const DecodeTrack &track = result.tracks[b], &reference = result.tracks[0];
    EXPECT_EQ(track.ids[t], std::ranges::max_element(step.logits) - step.logits.begin());
    const bool together =
        t <= reference.ids.size() &&
        std::equal(track.ids.begin(), track.ids.begin() + static_cast<std::ptrdiff_t>(t), reference.ids.begin());
    if (together && t < full.size()) {
      EXPECT_NEAR(track.kl[t], naiveKl(full[t].logits, step.logits), 3e-5);
    }
    if (t < full.size()) compareMass(naive, t);
  }

  // Mass of the full cache's rows on what is held; the best sets have as many prompt and generated tokens, and the
  // question.
  void compareMass(NaiveBranch& naive, std::size_t t) const {
    const DecodeTrack& track = result.tracks[b];
    const auto layers = static_cast<std::uint32_t>(full[t].attention.size());
    const auto heads = static_cast<std::uint32_t>(full[t].attention[0].size());
    for (std::uint32_t layer = 0; layer < layers; ++layer)
      for (std::uint32_t head = 0; head < heads; ++head) {
        const std::vector<double>& row = full[t].attention[layer][head];
        const auto& held = naive.list(layer, head / (heads / result.branches[b].decision.heads));
        double mass = 0;
        std::size_t prompt = 0;
        for (const TokenIndex position : held) {
          mass += row[position];
          if (position < tokens) ++prompt;
        }
        std::vector<double> of_prompt(row.begin(), row.begin() + tokens),
            generated(row.begin() + tokens + question, row.end());
        std::ranges::sort(of_prompt, std::greater<>{});
        std::ranges::sort(generated, std::greater<>{});
        const double best =
            std::accumulate(of_prompt.begin(), of_prompt.begin() + static_cast<std::ptrdiff_t>(prompt), 0.0) +
            std::accumulate(row.begin() + tokens, row.begin() + tokens + question, 0.0) +
            std::accumulate(generated.begin(),
                            generated.begin() + static_cast<std::ptrdiff_t>(held.size() - prompt - question), 0.0);
        const std::size_t cell = (t * layers + layer) * heads + head;
        EXPECT_NEAR(track.rows.retained[cell], mass, 1e-5);
        EXPECT_NEAR(track.rows.oracle[cell], best, 1e-5);
      }
  }

  // Checks the evictions of a step and applies them.
  std::size_t compareEvictions(NaiveBranch& naive, const Simulation& simulation, std::uint32_t step) const {
    const Branch& branch = result.branches[b];
    const std::uint32_t heads = branch.decision.heads;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<TokenIndex>> gone;
    for (const cache::Eviction& one : result.tracks[b].rows.evicted)
      if (one.step == step) gone[{one.layer, one.head}].push_back(one.position);
    const bool due = step % every == 0 && step + 1 < result.tracks[b].ids.size();
    const auto capacity = capacities(branch, tokens + step);
    for (std::uint32_t list = 0; list < branch.decision.layers * heads; ++list) {
      std::vector<TokenIndex>& held = naive.list(list / heads, list % heads);
      const std::vector<TokenIndex>& away = gone[{list / heads, list % heads}];
      std::vector<TokenIndex> others = held;
      std::erase_if(others, [&](TokenIndex position) { return ofQuestion(position); });
      EXPECT_EQ(others.size() + question, held.size()) << "every list holds the question";
      const std::size_t wanted = due && others.size() > capacity[list] ? others.size() - capacity[list] : 0;
      EXPECT_EQ(away.size(), wanted) << "step " << step << ", list " << list;
      if (away.empty()) continue;
      const std::vector<double> scores = simulation.scores(list / heads, list % heads, others);
      std::vector<bool> marks(scores.size(), false);
      for (const TokenIndex position : away) {
        const auto found = std::ranges::lower_bound(others, position);
        const bool candidate = found != others.end() && *found == position &&
                               found - others.begin() < static_cast<std::ptrdiff_t>(scores.size());
        EXPECT_TRUE(candidate) << "position " << position;
        if (candidate) marks[static_cast<std::size_t>(found - others.begin())] = true;
      }
      SCOPED_TRACE(testing::Message() << "step " << step << ", list " << list);
      const bool measured = !branch.request.method->needs.empty();
      expectBest(scores, marks, measured ? 2e-5 * *std::ranges::max_element(scores) : 0);
      std::erase_if(held, [&](TokenIndex position) { return std::ranges::find(away, position) != away.end(); });
    }
    std::size_t of_output = 0;
    for (const auto& [list, away] : gone)
      of_output +=
          static_cast<std::size_t>(std::ranges::count_if(away, [&](TokenIndex p) { return p >= tokens + question; }));
    return of_output;
  }

  // The keys that a token of the question attends to most.
  void compareAttended(const NaiveStep& step, std::size_t token) const {
    const Attended& attended = result.tracks[b].question_attended;
    const std::size_t layers = step.attention.size(), heads = step.attention[0].size();
    EXPECT_EQ(attended.positions.size(), question * layers * heads * kAttendedKeys);
    for (std::size_t layer = 0; layer < layers; ++layer)
      for (std::size_t head = 0; head < heads; ++head) {
        const std::vector<double>& row = step.attention[layer][head];
        const std::size_t cell = ((token * layers + layer) * heads + head) * kAttendedKeys;
        EXPECT_NEAR(attended.mass[cell], *std::ranges::max_element(row), 1e-5);
        EXPECT_NEAR(row.at(attended.positions[cell]), *std::ranges::max_element(row), 1e-5);
      }
  }
};

TEST_P(Evicting, decidesAsTheSimulationDoes) {
  Session session = this->session();
  session.loadWeights({});
  session.watchAttended();
  const SessionResult result = session.run({});
  ASSERT_EQ(result.branches.size(), 19U);
  const Decoder decoder = Decoder::load(modelFolder(GetParam().model), {}, {});
  const PrefillResult prefill = decoder.prefill(m_ids, nullptr, {});
  const std::vector<std::vector<Rows>> prompt = allPromptRows(decoder, m_ids);
  const auto tokens = static_cast<std::uint32_t>(m_ids.size());
  std::vector<NaiveStep> full(1);
  NaiveBranch reference(decoder, prefill, result.branches[0].decision, tokens);
  for (const TokenId id : m_question) full.front() = reference.feed(id);
  for (std::size_t t = 1; t < result.tracks[0].ids.size(); ++t)
    full.push_back(reference.feed(result.tracks[0].ids[t - 1]));
  EXPECT_TRUE(result.tracks[0].rows.evicted.empty());
  std::size_t evicted = 0, of_output = 0;
  for (std::size_t b = 1; b < result.branches.size(); ++b) {
    SCOPED_TRACE(result.branches[b].label);
    const DecodeTrack& track = result.tracks[b];
    NaiveBranch naive(decoder, prefill, result.branches[b].decision, tokens);
    Simulation simulation(result.branches[b], prompt, tokens);
    const Follower follower{result, b, full, tokens, GetParam().question, GetParam().every};
    for (std::size_t token = 0; token < m_question.size(); ++token) {
      const NaiveStep step = naive.feed(m_question[token]);
      simulation.add(step);
      follower.compareAttended(step, token);
      if (token + 1 == m_question.size()) follower.compareStep(naive, step, 0);
    }
    for (std::uint32_t t = 1; t < track.ids.size(); ++t) {
      const NaiveStep step = naive.feed(track.ids[t - 1]);
      simulation.add(step);
      follower.compareStep(naive, step, t);
      std::uint64_t held = 0;
      for (std::uint32_t list = 0; list < result.branches[b].decision.capacity.size(); ++list)
        held += naive.list(list / result.branches[b].decision.heads, list % result.branches[b].decision.heads).size();
      EXPECT_EQ(track.held_rows[t], held) << t;
      of_output += follower.compareEvictions(naive, simulation, t);
    }
    evicted += track.rows.evicted.size();
  }
  if (GetParam().every < kNewTokens) {
    EXPECT_GT(evicted, 0U);
    EXPECT_GT(of_output, 0U) << "generated tokens are evicted too";
  } else {
    EXPECT_EQ(evicted, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Sessions, Evicting,
                         testing::Values(Case{"llama2-gqa", policy::Granularity::KvHead, 1},
                                         Case{"llama2-gqa", policy::Granularity::QueryHead, 1},
                                         Case{"llama2-gqa", policy::Granularity::KvHead, 4},
                                         Case{"llama2-gqa", policy::Granularity::KvHead, 100},
                                         Case{"mistral-window", policy::Granularity::KvHead, 1},
                                         Case{"mistral-window", policy::Granularity::QueryHead, 4},
                                         Case{"llama2-gqa", policy::Granularity::KvHead, 1, 3},
                                         Case{"llama2-gqa", policy::Granularity::QueryHead, 2, 5},
                                         Case{"llama2-gqa", policy::Granularity::KvHead, 100, 1},
                                         Case{"mistral-window", policy::Granularity::KvHead, 1, 4}),
                         [](const auto& test) {
                           std::string name =
                               test.param.model + std::string("Every") + std::to_string(test.param.every) +
                               (test.param.granularity == policy::Granularity::KvHead ? "KvHead" : "QueryHead");
                           if (test.param.question > 0) name += "Question" + std::to_string(test.param.question);
                           std::erase(name, '-');
                           return name;
                         });

// Methods that score keys see those which their own lists hold, new ones included.
TEST(EvictingSession, keysScoredWhileDecodingAreThoseHeld) {
  const OneThread one_thread;
  const Golden golden = loadGolden("llama2-gqa");
  const std::vector<TokenId>& ids =
      std::ranges::max_element(golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids;
  const ScratchFolder scratch;
  SessionOptions options{.model = modelFolder("llama2-gqa")};
  std::string text;
  for (const TokenId id : ids) text += std::to_string(id) + " ";
  options.prompt.ids_file = scratch.write("ids.txt", text);
  options.methods = {policy::parseMethod("l2norm:skip=0,every=2"), policy::parseMethod("keydiff:every=1")};
  options.budgets = {policy::parseBudget("6")};
  options.window = kWindow;
  options.max_new_tokens = kNewTokens;
  options.follow = runs::Follow::Full;
  options.device = "cpu";
  Session session(options, {});
  session.loadWeights({});
  const SessionResult result = session.run({});
  const Decoder decoder = Decoder::load(modelFolder("llama2-gqa"), {}, {});
  const PrefillResult prefill = decoder.prefill(ids, nullptr, {});
  std::size_t evicted = 0;
  for (std::size_t b = 1; b < result.branches.size(); ++b) {
    const policy::Decision& decision = result.branches[b].decision;
    NaiveBranch naive(decoder, prefill, decision, ids.size());
    for (std::uint32_t t = 1; t < result.tracks[b].ids.size(); ++t) {
      (void)naive.feed(result.tracks[0].ids[t - 1]);
      for (std::uint32_t list = 0; list < decision.layers * decision.heads; ++list) {
        const std::uint32_t layer = list / decision.heads, head = list % decision.heads;
        std::vector<TokenIndex>& held = naive.list(layer, head);
        std::vector<TokenIndex> gone;
        for (const cache::Eviction& one : result.tracks[b].rows.evicted)
          if (one.step == t && one.layer == layer && one.head == head) gone.push_back(one.position);
        if (gone.empty()) continue;
        const at::Tensor keys = naive.entries(layer).key[head].to(at::kDouble);
        std::vector<double> norms, scores;
        std::vector<double> mean(static_cast<std::size_t>(keys.size(1)), 0.0);
        const auto entry = [&](TokenIndex position, std::size_t c) {
          return keys[position][static_cast<std::int64_t>(c)].item<double>();
        };
        for (const TokenIndex position : held) {
          double sum = 0;
          for (std::size_t c = 0; c < mean.size(); ++c) sum += entry(position, c) * entry(position, c);
          norms.push_back(std::sqrt(sum));
          for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += entry(position, c) / norms.back();
        }
        double length = 0;
        for (const double m : mean) length += m * m;
        for (std::size_t i = 0; i < held.size(); ++i) {
          double dot = 0;
          for (std::size_t c = 0; c < mean.size(); ++c) dot += entry(held[i], c) * mean[c];
          scores.push_back(b == 1 ? -norms[i] : -dot / norms[i] / std::sqrt(length));
        }
        std::vector<bool> marks;
        for (const TokenIndex position : held) marks.push_back(std::ranges::find(gone, position) != gone.end());
        EXPECT_EQ(std::ranges::count(marks, true), static_cast<std::ptrdiff_t>(gone.size()));
        SCOPED_TRACE(testing::Message() << result.branches[b].label << " step " << t << " list " << list);
        expectBest(scores, marks, 1e-5);
        std::erase_if(held, [&](TokenIndex p) { return std::ranges::find(gone, p) != gone.end(); });
        EXPECT_EQ(held.size(), decision.capacity[list]);
        evicted += gone.size();
      }
    }
  }
  EXPECT_GT(evicted, 50U);
}

TEST(EvictingSession, withoutEveryNothingIsEvictedAndEveryZeroIsTheSame) {
  const Golden golden = loadGolden("llama2-gqa");
  const ScratchFolder scratch;
  SessionOptions options{.model = modelFolder("llama2-gqa")};
  std::string text;
  for (const TokenId id : golden.runs[0].ids) text += std::to_string(id) + " ";
  options.prompt.ids_file = scratch.write("ids.txt", text);
  options.methods = {policy::parseMethod("snapkv"), policy::parseMethod("snapkv:every=0")};
  options.budgets = {policy::parseBudget("6")};
  options.window = kWindow;
  options.max_new_tokens = kNewTokens;
  options.device = "cpu";
  options.threads = 1;
  Session session(options, {});
  session.loadWeights({});
  const SessionResult result = session.run({});
  ASSERT_EQ(result.tracks.size(), 3U);
  EXPECT_EQ(result.branches[1].label, "snapkv 6");
  EXPECT_EQ(result.branches[2].label, "snapkv:every=0 6");
  EXPECT_TRUE(result.tracks[1].rows.evicted.empty());
  EXPECT_TRUE(result.tracks[2].rows.evicted.empty());
  EXPECT_EQ(result.tracks[1].ids, result.tracks[2].ids);
}

}  // namespace
}  // namespace kvatlas::capture::test
