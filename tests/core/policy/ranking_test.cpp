// Decisions read from sorted orders equal decisions from scratch, for every method of the table and every budget.
#include "core/policy/ranking.h"
#include "core/policy/parameters.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <random>

#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

constexpr Shape kShape{.layers = 5, .query_heads = 6, .kv_heads = 3, .tokens = 211};

// Random signals with many ties and, in one head, values that attention cannot have.
struct Signals {
  Signals() {
    std::mt19937 random(7);
    const auto draw = [&](std::uint32_t heads) {
      std::vector<float> values(std::size_t{heads} * kShape.tokens);
      for (float& value : values) value = static_cast<float>(random() % 40) / 40.0F;
      values[3] = std::numeric_limits<float>::quiet_NaN();
      values[4] = -0.0F;
      return values;
    };
    for (std::uint32_t layer = 0; layer < kShape.layers; ++layer) {
      SignalValues& of_layer = owned.emplace_back();
      for (const SignalInfo& info : signalTable())
        of_layer[info.signal] = info.needsWindow() && info.signal != Signal::WindowSum
                                    ? std::vector<float>(std::size_t{kShape.query_heads} * 8 * kShape.tokens, 0.001F)
                                    : draw(info.heads == SignalHeads::Query ? kShape.query_heads : kShape.kv_heads);
      layers.push_back(viewOf(of_layer));
    }
  }
  std::deque<SignalValues> owned;
  std::vector<LayerSignals> layers;
};

std::vector<RankedLayer> rankAll(const Method& method, const Setting& setting, const Signals& signals,
                                 std::uint32_t depth) {
  std::vector<RankedLayer> ranked;
  for (std::uint32_t layer = 0; layer < kShape.layers; ++layer)
    ranked.push_back(rankLayer(method, scoreLayer(method, setting, LayerIndex(layer), signals.layers[layer]), depth));
  return ranked;
}

Setting settingOf(const Method& method, Granularity granularity, const std::string& budget,
                  const char* beta = nullptr) {
  MethodRequest request{.method = &method, .given = {}};
  if (beta != nullptr && method.name == "pyramidkv") request.given.emplace("beta", beta);
  return makeSetting(request, kShape, parseBudget(budget), granularity, Preset::Exact, 8);
}

TEST(Ranking, EveryBudgetOfEveryMethodEqualsTheDecisionFromScratch) {
  const Signals signals;
  for (const Method& method : methods()) {
    if (findParameter(method, "heads") != nullptr) continue;
    for (const Granularity granularity : {Granularity::KvHead, Granularity::QueryHead}) {
      // One order serves all budgets and all values of beta.
      const auto ranked = rankAll(method, settingOf(method, granularity, "16"), signals, kShape.tokens);
      for (const char* budget : {"9", "16", "40", "64", "100", "150", "203", "210", "211", "500", "50%"}) {
        for (const char* beta : {"2", "20", "900"}) {
          const Setting setting = settingOf(method, granularity, budget, beta);
          const Decision expected = decide(method, setting, signals.layers);
          const RankedDecision got = decideRanked(
              method, setting, method.score_reads_budget ? rankAll(method, setting, signals, kShape.tokens) : ranked);
          ASSERT_TRUE(got.decision) << method.name << " " << budget;
          EXPECT_EQ(got.decision->capacity, expected.capacity) << method.name << " " << budget;
          EXPECT_EQ(got.decision->offsets, expected.offsets) << method.name << " " << budget;
          EXPECT_EQ(got.decision->positions, expected.positions) << method.name << " " << budget << " " << beta;
        }
      }
    }
  }
}

TEST(Ranking, ShortOrdersServeSmallBudgetsAndReportTheDepthForLargeOnes) {
  const Signals signals;
  const Method& method = findMethod("snapkv");
  const auto ranked = rankAll(method, settingOf(method, Granularity::KvHead, "16"), signals, 30);
  const Setting fits = settingOf(method, Granularity::KvHead, "38"),
                beyond = settingOf(method, Granularity::KvHead, "39");
  EXPECT_EQ(decideRanked(method, fits, ranked).decision->positions, decide(method, fits, signals.layers).positions);
  const RankedDecision refused = decideRanked(method, beyond, ranked);
  EXPECT_FALSE(refused.decision);
  EXPECT_EQ(refused.needed_depth, 31U);
}

TEST(Ranking, EveryPrefixIsTheTopOfItsSize) {
  const Signals signals;
  const std::span<const float> scores = signals.layers[0][Signal::Received];
  const std::vector<TokenIndex> ranked = rankedPositions(scores, scores.size());
  for (std::size_t count = 0; count <= 200; count += 25) {
    std::vector<TokenIndex> prefix(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count));
    std::sort(prefix.begin(), prefix.end());
    EXPECT_EQ(prefix, topPositions(scores, count));
  }
  EXPECT_EQ(ranked.back(), 3U) << "NaN comes last";
}

}  // namespace
}  // namespace kvatlas::policy
