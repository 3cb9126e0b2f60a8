// PyramidKV's layer budgets: the published tables and the exact sum.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "core/base/files.h"
#include "core/policy/policy.h"
#include "core/policy/pyramid.h"
#include "tests/core/policy/naive_policy.h"

namespace kvatlas::policy {
namespace {

// A row of the published arithmetic's table for long prompts: its kept tokens and how far it exceeds the budget.
struct TableRow {
  std::uint32_t layers, window, budget;
  int low, high, step;
  std::uint32_t first, last;
  double mean, excess_percent, tolerance;
};

constexpr TableRow kTable[] = {{32, 8, 64, 2, 110, 3, 118, 25, 71.5, 11.7, 0.05},
                               {32, 8, 96, 4, 172, 5, 180, 25, 102.5, 6.8, 0.05},
                               {32, 8, 128, 6, 234, 7, 242, 25, 133.5, 4.3, 0.05},
                               {32, 8, 256, 12, 484, 15, 492, 27, 259.5, 1.4, 0.05},
                               {32, 8, 512, 25, 983, 30, 991, 61, 526.0, 2.7, 0.05},
                               {32, 8, 1024, 50, 1982, 62, 1990, 68, 1029.0, 0.5, 0.05},
                               {32, 8, 2048, 102, 3978, 125, 3986, 111, 2048.5, 0.02, 0.005},
                               {28, 8, 128, 6, 234, 8, 242, 26, 134.0, 4.7, 0.05},
                               {40, 8, 128, 6, 234, 5, 242, 47, 144.5, 12.9, 0.05},
                               {80, 8, 128, 6, 234, 2, 242, 84, 163.0, 27.3, 0.05},
                               {80, 8, 256, 12, 484, 5, 492, 97, 294.5, 15.0, 0.05},
                               {80, 32, 64, 1, 63, 0, 95, 95, 95.0, 48.4, 0.05}};

TEST(PublishedPyramid, ReproducesTheBudgetTable) {
  for (const TableRow& row : kTable) {
    SCOPED_TRACE("L=" + std::to_string(row.layers) + " W=" + std::to_string(row.window) +
                 " C=" + std::to_string(row.budget));
    const auto kept = publishedPyramid({row.layers, 1'000'000, row.window, row.budget, 20});
    ASSERT_EQ(kept.size(), row.layers);
    EXPECT_EQ(kept.front(), row.first);
    EXPECT_EQ(kept.back(), row.last);
    const int beyond_window = static_cast<int>(row.budget - row.window);
    EXPECT_EQ(static_cast<int>(kept.front() - row.window), row.high);
    EXPECT_EQ(2 * beyond_window - row.high, row.low);
    for (std::size_t layer = 1; layer < kept.size(); ++layer)
      EXPECT_EQ(static_cast<int>(kept[layer - 1] - kept[layer]), row.step);
    const double mean = std::accumulate(kept.begin(), kept.end(), 0.0) / row.layers;
    EXPECT_DOUBLE_EQ(mean, row.mean);
    EXPECT_NEAR(100 * (mean / row.budget - 1), row.excess_percent, row.tolerance);
  }
}

// Through the method, to cover prompts no longer than the budget as well.
TEST(PublishedPyramid, EqualsTheSimulatedLayersAroundEveryThreshold) {
  const auto rows = readJsonFile(KVATLAS_TEST_DATA "/policy/pyramid_budgets.json");
  std::set<std::uint32_t> layers;
  for (const auto& row : rows) {
    const Shape shape{.layers = row["layers"], .query_heads = 1, .kv_heads = 1, .tokens = row["tokens"]};
    const Budget budget = parseBudget(std::to_string(row["budget"].get<int>()));
    const MethodRequest request = parseMethod("pyramidkv");
    const Setting setting = makeSetting(request, shape, budget, Granularity::QueryHead, Preset::Paper, row["window"]);
    layers.insert(shape.layers);
    EXPECT_EQ(request.method->allocate(setting, {}), row["kept"].get<std::vector<std::uint32_t>>())
        << "L=" << shape.layers << " W=" << setting.window << " C=" << budget.text << " N=" << shape.tokens;
  }
  EXPECT_EQ(layers, (std::set<std::uint32_t>{28, 32, 40, 80}));
}

// Just below 2B every layer keeps C; just above, layer 0 jumps to nearly 2C.
TEST(PublishedPyramid, JumpsAtTwiceTheBudget) {
  const auto below = publishedPyramid({32, 4079, 8, 2048, 20}), above = publishedPyramid({32, 4080, 8, 2048, 20});
  EXPECT_EQ(below, std::vector<std::uint32_t>(32, 2048));
  EXPECT_EQ(above.front(), 3986U);
  EXPECT_EQ(above.back(), 111U);
}

TEST(PublishedPyramid, OneLayerKeepsTheBudget) {
  EXPECT_EQ(publishedPyramid({1, 9999, 8, 128, 20}), std::vector<std::uint32_t>{128});
}

TEST(ExactPyramid, SumsToTheBudgetWithinBounds) {
  for (std::uint32_t layers = 1; layers <= 80; ++layers)
    for (const std::uint32_t window : {1U, 8U, 32U})
      for (const std::uint32_t beyond : {1U, 2U, 3U, 9U, 19U, 20U, 21U, 55U, 120U, 1000U, 2040U})
        for (const double beta : {1.0, 1.5, 7.0, 20.0, 1000.0})
          for (const std::uint32_t spare : {1U, 2U, 7U, beyond - 1, beyond, beyond + window, 100000U}) {
            const std::uint32_t budget = window + beyond, tokens = budget + std::max(spare, 1U);
            const auto kept = exactPyramid({layers, tokens, window, budget, beta});
            SCOPED_TRACE("L=" + std::to_string(layers) + " W=" + std::to_string(window) + " C=" +
                         std::to_string(budget) + " N=" + std::to_string(tokens) + " beta=" + std::to_string(beta));
            ASSERT_EQ(kept.size(), layers);
            ASSERT_EQ(std::accumulate(kept.begin(), kept.end(), std::uint64_t{0}), std::uint64_t{layers} * budget);
            ASSERT_TRUE(std::is_sorted(kept.rbegin(), kept.rend()));
            ASSERT_LE(kept.front(), tokens);
            ASSERT_GT(kept.back(), window);
          }
}

// A flat line would also meet the sum: every layer must lie on the published line, rounded.
TEST(ExactPyramid, LiesOnThePublishedLine) {
  for (int layers = 1; layers <= 80; ++layers)
    for (const int window : {1, 8, 32})
      for (const int beyond : {1, 2, 9, 20, 55, 120, 2040})
        for (const int beta : {1, 7, 20})
          for (const int tokens : {beyond + window + 1, 2 * beyond, 2 * beyond + window, 100000}) {
            const int budget = window + beyond;
            if (tokens <= budget) continue;
            const auto kept = exactPyramid({static_cast<std::uint32_t>(layers), static_cast<std::uint32_t>(tokens),
                                            static_cast<std::uint32_t>(window), static_cast<std::uint64_t>(budget),
                                            static_cast<double>(beta)});
            const auto line = naive::capacities({.method = "pyramidkv",
                                                 .layers = layers,
                                                 .tokens = tokens,
                                                 .window = window,
                                                 .budget = budget,
                                                 .beta = beta});
            for (int layer = 0; layer < layers; ++layer)
              ASSERT_EQ(static_cast<int>(kept[layer]), line[layer])
                  << "L=" << layers << " W=" << window << " C=" << budget << " N=" << tokens << " beta=" << beta
                  << " layer " << layer;
          }
}

TEST(ExactPyramid, GrowsFromFlatWithoutAJump) {
  const auto first = [](std::uint32_t tokens) { return exactPyramid({32, tokens, 8, 128, 20}).front(); };
  EXPECT_EQ(exactPyramid({32, 128, 8, 128, 20}), std::vector<std::uint32_t>(32, 128));
  for (std::uint32_t tokens = 129; tokens < 300; ++tokens) {
    EXPECT_LE(first(tokens), tokens);
    EXPECT_LE(first(tokens) - first(tokens - 1), 1U);
  }
  EXPECT_EQ(first(300), 242U);
  EXPECT_EQ(exactPyramid({32, 300, 8, 128, 20}).back(), 14U);
}

}  // namespace
}  // namespace kvatlas::policy
