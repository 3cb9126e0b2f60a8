// Methods as compositions of parts, and the parts against naive computations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "core/base/error.h"
#include "core/policy/allocation.h"
#include "core/policy/layer_decision.h"

namespace kvatlas::policy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

constexpr Shape kShape{.layers = 2, .query_heads = 4, .kv_heads = 2, .tokens = 60};

std::string complaint(std::string_view text) {
  try {
    (void)parseMethod(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

Setting settingOf(std::string_view text, std::uint64_t budget, Preset preset = Preset::Exact,
                  Granularity granularity = Granularity::KvHead) {
  return makeSetting(parseMethod(text), kShape, parseBudget(std::to_string(budget)), granularity, preset, 4);
}

// Skewed random values of every signal, so that heads differ.
struct Signals {
  Signals() {
    std::mt19937 random(11);
    for (std::uint32_t layer = 0; layer < kShape.layers; ++layer) {
      SignalValues& of_layer = values[layer];
      for (const SignalInfo& info : signalTable()) {
        const std::size_t count = valueCount(info, {kShape.query_heads, kShape.kv_heads, kShape.tokens, 4});
        for (std::size_t i = 0; i < count; ++i) {
          const double unit = (static_cast<double>(random()) + 1) / 4294967296.0;
          of_layer[info.signal].push_back(static_cast<float>(std::pow(unit, 1 + 8 * double(i) / double(count))));
        }
      }
      layers.push_back(viewOf(of_layer));
    }
  }
  SignalValues values[2];
  std::vector<LayerSignals> layers;
};

TEST(Compositions, ReplaceOnePartAndKeepTheOthers) {
  const MethodRequest request = parseMethod("snapkv:allocate=adaptive,floor=0.1,kernel=5");
  const Method& method = *request.method;
  EXPECT_EQ(method.name, "snapkv");
  EXPECT_EQ(method.parts.score, "window");
  EXPECT_EQ(method.parts.allocate, "adaptive");
  EXPECT_TRUE(method.allocate_reads_scores);
  EXPECT_EQ(parseMethod("snapkv:allocate=adaptive").method, &method) << "one object for one composition";
  EXPECT_EQ(parseMethod("snapkv:allocate=uniform").method, &findMethod("snapkv"));
  const Setting setting = settingOf("snapkv:allocate=adaptive", 20);
  EXPECT_EQ(setting.parameters.at("floor"), "0.2");
  EXPECT_EQ(setting.parameters.at("allocate"), "adaptive");
}

TEST(Compositions, GivenPartsDecideLikeTheNamedMethod) {
  const Signals signals;
  for (const auto& [composed, named] :
       {std::pair("snapkv:allocate=adaptive", "adakv"), std::pair("snapkv:allocate=pyramid", "pyramidkv"),
        std::pair("h2o:select=sinks", "streamingllm")}) {
    const MethodRequest request = parseMethod(composed);
    EXPECT_EQ(decide(*request.method, settingOf(composed, 20), signals.layers).positions,
              decide(findMethod(named), settingOf(named, 20), signals.layers).positions)
        << composed;
  }
}

TEST(Compositions, PartsThatDoNotCombineAreNamed) {
  EXPECT_THAT(complaint("streamingllm:allocate=adaptive"),
              AllOf(HasSubstr("'streamingllm'"), HasSubstr("allocate=adaptive"), HasSubstr("has none")));
  EXPECT_THAT(complaint("streamingllm:select=top"), AllOf(HasSubstr("select=top"), HasSubstr("has none")));
  EXPECT_THAT(complaint("streamingllm:values=on"), AllOf(HasSubstr("values=on"), HasSubstr("has none")));
  EXPECT_THAT(complaint("snapkv:allocate=adptive"), AllOf(HasSubstr("'adptive'"), HasSubstr("'adaptive'")));
  EXPECT_THAT(complaint("snapkv:select=everything"), HasSubstr("'everything'"));
  EXPECT_THAT(complaint("snapkv:floor=0.1"), HasSubstr("has no parameter 'floor'"));
  EXPECT_THAT(complaint("full:allocate=pyramid"), HasSubstr("takes no parameters"));
}

TEST(Values, MultiplyScoresByTheNormOfTheGroupsValue) {
  const Signals signals;
  const MethodRequest request = parseMethod("h2o:values=on");
  EXPECT_TRUE(request.method->needs.contains(Signal::ValueNorm));
  const LayerScores plain = scoreLayer(findMethod("h2o"), settingOf("h2o", 20), LayerIndex(0), signals.layers[0]);
  const LayerScores weighed =
      scoreLayer(*request.method, settingOf("h2o:values=on", 20), LayerIndex(0), signals.layers[0]);
  for (std::uint32_t head = 0; head < 2; ++head)
    for (std::uint32_t j = 0; j < plain.candidates; ++j)
      EXPECT_FLOAT_EQ(weighed.head(head)[j],
                      plain.head(head)[j] * signals.layers[0][Signal::ValueNorm][head * kShape.tokens + j]);
}

TEST(Observed, DividesByTheQueriesThatSeeAToken) {
  const Signals signals;
  const LayerScores scores =
      scoreLayer(findMethod("observed"), settingOf("observed", 20), LayerIndex(1), signals.layers[1]);
  ASSERT_EQ(scores.candidates, kShape.tokens) << "no token is kept for being recent";
  const auto received = signals.layers[1][Signal::Received];
  for (std::uint32_t head = 0; head < 2; ++head)
    for (std::uint32_t j = 0; j < kShape.tokens; ++j) {
      const double mean = (double(received[2 * head * 60 + j]) + double(received[(2 * head + 1) * 60 + j])) / 2;
      EXPECT_NEAR(scores.head(head)[j], mean / (60 - j), 1e-6);
    }
}

TEST(L2Norm, KeepsTheSmallestKeysAndSparesTheFirstLayers) {
  const Signals signals;
  const Decision decision = decide(findMethod("l2norm"), settingOf("l2norm:skip=1", 30), signals.layers);
  EXPECT_THAT(decision.capacity, ElementsAre(45, 45, 15, 15)) << "half of the budget is left to the other layers";
  EXPECT_THAT(decide(findMethod("l2norm"), settingOf("l2norm:skip=1", 45), signals.layers).capacity,
              ElementsAre(60, 60, 30, 30));
  EXPECT_THAT(decide(findMethod("l2norm"), settingOf("l2norm:skip=1", 20, Preset::Paper), signals.layers).capacity,
              ElementsAre(60, 60, 20, 20))
      << "the published code adds them to its budget";
  const auto norms = signals.layers[1][Signal::KeyNorm].first(60);
  std::vector<TokenIndex> order(60);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](TokenIndex j) { return norms[j]; });
  std::vector<TokenIndex> smallest(order.begin(), order.begin() + 15);
  std::ranges::sort(smallest);
  EXPECT_THAT(decision.kept(LayerIndex(1), 0), ElementsAreArray(smallest));
}

// Feng et al.'s published steps, head by head, in double.
std::vector<std::uint32_t> naiveAdaptive(const LayerScores& scores, int budget, double floor, bool normalise) {
  std::vector<std::pair<double, std::uint32_t>> all;
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    std::vector<float> sorted(scores.head(head).begin(), scores.head(head).end());
    std::sort(sorted.rbegin(), sorted.rend());
    const double best = std::accumulate(sorted.begin(), sorted.begin() + budget, 0.0),
                 sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
    for (const float one : sorted) all.emplace_back(normalise ? one * best / sum : one, head);
  }
  std::ranges::stable_sort(all, std::greater<>(), &std::pair<double, std::uint32_t>::first);
  std::vector<std::uint32_t> capacity(scores.heads, 0);
  std::vector<int> count(scores.heads, 0);
  for (std::size_t i = 0; i < scores.heads * static_cast<std::size_t>(budget); ++i) ++count[all[i].second];
  for (std::uint32_t head = 0; head < scores.heads; ++head)
    capacity[head] = static_cast<std::uint32_t>(std::nearbyint(count[head] * (1 - floor) + std::floor(budget * floor)));
  return capacity;
}

TEST(Adaptive, PaperPresetEqualsThePublishedSteps) {
  const Signals signals;
  for (const char* text : {"adakv", "adakv:floor=0.5", "adakv:normalise=off", "adakv:floor=0", "h2o:allocate=adaptive"})
    for (const Granularity granularity : {Granularity::KvHead, Granularity::QueryHead})
      for (const std::uint64_t budget : {6U, 13U, 20U, 40U, 59U}) {
        const MethodRequest request = parseMethod(text);
        const Setting setting = settingOf(text, budget, Preset::Paper, granularity);
        const Decision decision = decide(*request.method, setting, signals.layers);
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
          const LayerScores scores = scoreLayer(*request.method, setting, LayerIndex(layer), signals.layers[layer]);
          const auto expected =
              naiveAdaptive(scores, static_cast<int>(budget) - 4, std::stod(setting.parameters.at("floor")),
                            setting.parameters.at("normalise") == "on");
          for (std::uint32_t head = 0; head < decision.heads; ++head)
            EXPECT_EQ(decision.capacity[layer * decision.heads + head], expected[head] + 4)
                << text << " " << budget << " layer " << layer << " head " << head;
        }
      }
}

TEST(Adaptive, ExactBudgetsStayWithinOneOfThePublished) {
  const Signals signals;
  const Decision published = decide(findMethod("adakv"), settingOf("adakv", 23, Preset::Paper), signals.layers),
                 exact = decide(findMethod("adakv"), settingOf("adakv", 23), signals.layers);
  EXPECT_EQ(exact.keptTokens(), 4U * 23U);
  for (std::size_t i = 0; i < exact.capacity.size(); ++i)
    EXPECT_LE(std::abs(int(exact.capacity[i]) - int(published.capacity[i])), 1);
  EXPECT_NE(exact.capacity[0], exact.capacity[1]) << "heads differ";
}

TEST(Allocations, RoundToTheirSum) {
  EXPECT_THAT(roundedToSum(std::vector<double>{1.5, 1.5, 2.0}, 5), ElementsAre(2, 1, 2));
  EXPECT_THAT(roundedToSum(std::vector<double>{0.2, 0.3, 0.5}, 1), ElementsAre(0, 0, 1));
  EXPECT_THAT(boundedToSum(std::vector<double>{1, 1, 8}, 30, 2, 12), AllOf(ElementsAre(9, 9, 12)));
  EXPECT_THAT(boundedToSum(std::vector<double>{0, 0, 1}, 20, 2, 12), ElementsAre(4, 4, 12));
}

}  // namespace
}  // namespace kvatlas::policy
