// decide() against the naive double-precision implementation, for every method, preset, granularity, pooling and length
// around the thresholds of the published code.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>

#include "core/policy/policy.h"
#include "tests/core/policy/naive_policy.h"

namespace kvatlas::policy {
namespace {

constexpr int kLayers = 3, kQueryHeads = 4, kKvHeads = 2, kDim = 8;

// A model of kLayers random layers with the signals decide() is given: the naive sums rounded to float.
struct Model {
  explicit Model(int tokens, int window) {
    for (int layer = 0; layer < kLayers; ++layer) {
      const auto attention = naive::randomLayer(100 * tokens + layer, kQueryHeads, kKvHeads, tokens, kDim);
      received.push_back(naive::columnSums(attention, tokens));
      window_sum.push_back(naive::columnSums(attention, std::min(window, tokens)));
    }
    for (int layer = 0; layer < kLayers; ++layer) {
      flat_received.push_back(flatten(received[layer]));
      flat_window_sum.push_back(flatten(window_sum[layer]));
    }
    for (int layer = 0; layer < kLayers; ++layer) {
      LayerSignals& of_layer = signals.emplace_back();
      of_layer[Signal::Received] = flat_received[layer];
      of_layer[Signal::WindowSum] = flat_window_sum[layer];
    }
  }

  static std::vector<float> flatten(const naive::Matrix& rows) {
    std::vector<float> flat;
    for (const auto& row : rows)
      for (const double x : row) flat.push_back(static_cast<float>(x));
    return flat;
  }

  std::vector<naive::Matrix> received, window_sum;
  std::vector<std::vector<float>> flat_received, flat_window_sum;
  std::vector<LayerSignals> signals;
};

naive::Matrix roundedToFloat(naive::Matrix rows) {
  for (auto& row : rows)
    for (double& x : row) x = naive::asFloat(x);
  return rows;
}

Setting settingOf(const naive::Ask& ask) {
  std::string text = ask.method;
  const std::string pooled = "kernel=" + std::to_string(ask.kernel) + ",pooling=" + ask.pooling;
  if (ask.method == "h2o") text += ":group=" + ask.group;
  if (ask.method == "streamingllm") text += ":sinks=" + std::to_string(ask.sinks);
  if (ask.method == "snapkv") text += ":" + pooled + ",group=" + ask.group;
  if (ask.method == "pyramidkv") text += ":" + pooled + ",group=" + ask.group + ",beta=" + std::to_string(ask.beta);
  const Shape shape{.layers = static_cast<std::uint32_t>(ask.layers),
                    .query_heads = static_cast<std::uint32_t>(ask.query_heads),
                    .kv_heads = static_cast<std::uint32_t>(ask.kv_heads),
                    .tokens = static_cast<std::uint32_t>(ask.tokens)};
  return makeSetting(parseMethod(text), shape, parseBudget(std::to_string(ask.budget)),
                     ask.kv_granularity ? Granularity::KvHead : Granularity::QueryHead,
                     ask.paper ? Preset::Paper : Preset::Exact, static_cast<std::uint32_t>(ask.window));
}

std::string describe(const naive::Ask& ask) {
  return ask.method + " N=" + std::to_string(ask.tokens) + " C=" + std::to_string(ask.budget) +
         " W=" + std::to_string(ask.window) + " kernel=" + std::to_string(ask.kernel) + " " + ask.pooling + " " +
         ask.group + " beta=" + std::to_string(ask.beta) + (ask.kv_granularity ? " kv-head" : " query-head") +
         (ask.paper ? " paper" : " exact");
}

bool scored(const naive::Ask& ask) {
  return ask.method != "full" && ask.method != "streamingllm";
}

// Every position on which the two sets differ must lie at the border of the selection, within rounding.
void expectSameUpToRounding(std::span<const TokenIndex> kept, const std::vector<TokenIndex>& exact,
                            const naive::Row& exact_scores) {
  std::vector<TokenIndex> differing;
  std::set_symmetric_difference(kept.begin(), kept.end(), exact.begin(), exact.end(), std::back_inserter(differing));
  double border = std::numeric_limits<double>::infinity();
  for (const TokenIndex position : exact)
    if (position < exact_scores.size()) border = std::min(border, exact_scores[position]);
  for (const TokenIndex position : differing) {
    ASSERT_LT(position, exact_scores.size()) << "a window token is missing";
    EXPECT_NEAR(exact_scores[position], border, 1e-6 * border) << "position " << position;
  }
}

void compare(const naive::Ask& ask, const Model& model) {
  SCOPED_TRACE(describe(ask));
  const Setting setting = settingOf(ask);
  const Method& method = findMethod(ask.method);
  const Decision decision = decide(method, setting, model.signals);
  const int heads = ask.kv_granularity ? ask.kv_heads : ask.query_heads;
  const std::vector<int> capacities = naive::capacities(ask);
  ASSERT_EQ(decision.layers, static_cast<std::uint32_t>(ask.layers));
  ASSERT_EQ(decision.heads, static_cast<std::uint32_t>(heads));
  for (int layer = 0; layer < ask.layers; ++layer) {
    const auto& signal = ask.method == "h2o" ? model.received[layer] : model.window_sum[layer];
    const bool all = capacities[layer] >= ask.tokens;
    const auto as_given = scored(ask) && !all ? naive::scores(ask, roundedToFloat(signal), true) : naive::Matrix(heads);
    const auto in_double = scored(ask) && !all ? naive::scores(ask, signal, false) : naive::Matrix(heads);
    for (int head = 0; head < heads; ++head) {
      SCOPED_TRACE("layer " + std::to_string(layer) + " head " + std::to_string(head));
      ASSERT_EQ(decision.capacity[layer * heads + head], static_cast<std::uint32_t>(capacities[layer]));
      const auto kept = decision.kept(LayerIndex(layer), head);
      ASSERT_EQ(std::vector<TokenIndex>(kept.begin(), kept.end()),
                naive::select(ask, as_given[head], capacities[layer]));
      if (scored(ask) && !all)
        expectSameUpToRounding(kept, naive::select(ask, in_double[head], capacities[layer]), in_double[head]);
    }
  }
}

// Lengths around every threshold of the published code, and a long one.
std::vector<int> lengths(int window, int budget, int beta) {
  const int mean = budget - window, clamp = 2 * mean + window - mean / beta;
  std::set<int> all{budget - 1,   budget,    budget + 1, 2 * mean - 1, 2 * mean,
                    2 * mean + 1, clamp - 1, clamp,      clamp + 1,    120};
  return {all.begin(), all.end()};
}

struct Sizes {
  int window, budget, beta;
};

class DecisionTest : public testing::TestWithParam<Sizes> {};

TEST_P(DecisionTest, KeepsWhatTheNaiveImplementationKeeps) {
  const auto [window, budget, beta] = GetParam();
  for (const int tokens : lengths(window, budget, beta)) {
    if (tokens <= window) continue;
    const Model model(tokens, window);
    for (const bool paper : {false, true})
      for (const bool kv_granularity : {true, false}) {
        naive::Ask ask{.tokens = tokens,
                       .window = window,
                       .budget = budget,
                       .beta = beta,
                       .kv_granularity = kv_granularity,
                       .paper = paper};
        for (const char* method : {"full", "streamingllm", "h2o"}) {
          ask.method = method;
          compare(ask, model);
        }
        for (const char* method : {"snapkv", "pyramidkv"})
          for (const char* pooling : {"none", "max", "avg"})
            for (const int kernel : {1, 3, 5, 7}) {
              ask.method = method;
              ask.pooling = pooling;
              ask.kernel = kernel;
              compare(ask, model);
            }
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Thresholds, DecisionTest,
                         testing::Values(Sizes{8, 24, 20}, Sizes{8, 24, 4}, Sizes{4, 44, 20}, Sizes{16, 24, 3},
                                         Sizes{1, 6, 20}));

TEST(DecisionGroups, JoinsTheQueryHeadsOfAGroupAsAsked) {
  const Model model(90, 8);
  for (const char* group : {"mean", "max", "sum"})
    for (const char* method : {"h2o", "snapkv", "pyramidkv"})
      compare({.method = method, .group = group, .tokens = 90, .budget = 30}, model);
}

TEST(DecisionSinks, KeepsAsManySinksAsAsked) {
  const Model model(60, 8);
  for (const int sinks : {0, 1, 4, 12, 19})
    compare({.method = "streamingllm", .tokens = 60, .budget = 20, .sinks = sinks}, model);
}

// On equal scores the published selection depends on the device; here the lowest positions win, also inside plateaus.
TEST(DecisionTies, GoToTheLowestPosition) {
  Model model(50, 4);
  for (auto* signals : {&model.flat_received, &model.flat_window_sum})
    for (auto& layer : *signals)
      for (std::size_t i = 0; i < layer.size(); ++i) layer[i] = static_cast<float>(i % 50 % 3);
  for (int layer = 0; layer < kLayers; ++layer)
    for (auto* signals : {&model.received, &model.window_sum})
      for (auto& row : (*signals)[layer])
        for (std::size_t j = 0; j < row.size(); ++j) row[j] = static_cast<double>(j % 3);
  for (const char* method : {"h2o", "snapkv"})
    for (const char* pooling : {"none", "max", "avg"})
      compare({.method = method, .pooling = pooling, .tokens = 50, .window = 4, .budget = 15, .kernel = 3}, model);
}

TEST(DecisionScores, EqualTheDoublePrecisionDefinition) {
  const Model model(120, 8);
  for (const char* pooling : {"none", "max", "avg"})
    for (const bool kv_granularity : {true, false}) {
      const naive::Ask ask{.method = "snapkv",
                           .pooling = pooling,
                           .tokens = 120,
                           .budget = 40,
                           .kernel = 5,
                           .kv_granularity = kv_granularity};
      const auto expected = naive::scores(ask, model.window_sum[1], false);
      const LayerScores scores = findMethod("snapkv").score(settingOf(ask), LayerIndex(1), model.signals[1]);
      ASSERT_EQ(scores.heads, expected.size());
      ASSERT_EQ(scores.candidates, 112U);
      for (std::uint32_t head = 0; head < scores.heads; ++head)
        for (std::uint32_t j = 0; j < scores.candidates; ++j)
          ASSERT_NEAR(scores.head(head)[j], expected[head][j], 3e-7 * expected[head][j]);
    }
}

}  // namespace
}  // namespace kvatlas::policy
