// Pooling, combining heads and selecting the best positions, against their definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "core/base/error.h"
#include "core/policy/scoring.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> randomValues(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 64;
  return values;
}

// Values are multiples of 1/64: sums are exact, so the results must be exact too.
TEST(Pooling, EqualsItsDefinition) {
  for (const int length : {0, 1, 2, 3, 7, 50})
    for (const int kernel : {1, 3, 5, 7, 101, 999}) {
      const auto values = randomValues(length, length);
      const auto highest = maxPool(values, kernel), mean = averagePool(values, kernel);
      ASSERT_EQ(highest.size(), values.size());
      ASSERT_EQ(mean.size(), values.size());
      for (int i = 0; i < length; ++i) {
        float best = -1e30F;
        double total = 0;
        for (int j = std::max(0, i - kernel / 2); j < std::min(length, i + kernel / 2 + 1); ++j) {
          best = std::max(best, values[j]);
          total += values[j];
        }
        EXPECT_EQ(highest[i], best) << length << " " << kernel << " " << i;
        EXPECT_EQ(mean[i], static_cast<float>(total / kernel)) << length << " " << kernel << " " << i;
      }
    }
}

TEST(Pooling, EdgesIgnorePadding) {
  EXPECT_THAT(maxPool(std::vector<float>{-3, -1, -2}, 3), ElementsAre(-1, -1, -1));
  EXPECT_THAT(averagePool(std::vector<float>{3, 6, 9}, 3), ElementsAre(3, 6, 5));
}

Setting setting(Granularity granularity, const char* group) {
  Setting setting;
  setting.shape = {.layers = 1, .query_heads = 4, .kv_heads = 2, .tokens = 3};
  setting.granularity = granularity;
  setting.window = setting.recent = 1;
  setting.parameters = {{"group", group}};
  return setting;
}

TEST(HeadScores, JoinTheHeadsOfAGroupBeforeTheWindow) {
  const std::vector<float> signal{1, 2, 99, 5, 0, 99, 10, 20, 99, 30, 60, 99};
  const auto values = [&](Granularity granularity, const char* group) {
    LayerSignals signals;
    signals[Signal::Received] = signal;
    return headScores(setting(granularity, group), LayerIndex(0), signals, Signal::Received).values;
  };
  EXPECT_THAT(values(Granularity::KvHead, "mean"), ElementsAre(3, 1, 20, 40));
  EXPECT_THAT(values(Granularity::KvHead, "max"), ElementsAre(5, 2, 30, 60));
  EXPECT_THAT(values(Granularity::KvHead, "sum"), ElementsAre(6, 2, 40, 80));
  EXPECT_THAT(values(Granularity::QueryHead, "mean"), ElementsAre(1, 2, 5, 0, 10, 20, 30, 60));
}

TEST(HeadScores, NameTheMissingSignal) {
  try {
    (void)headScores(setting(Granularity::KvHead, "mean"), LayerIndex(7), {}, Signal::WindowSum);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("layer 7"));
    EXPECT_THAT(error.what(), HasSubstr("'window_sum'"));
  }
}

TEST(TopPositions, TiesGoToTheLowestPosition) {
  EXPECT_THAT(topPositions(std::vector<float>{1, 2, 2, 1, 2, 0}, 2), ElementsAre(1, 2));
  EXPECT_THAT(topPositions(std::vector<float>{1, 2, 2, 1, 2, 0}, 4), ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(topPositions(std::vector<float>{0.0F, -0.0F, 0.0F}, 1), ElementsAre(0));
  EXPECT_THAT(topPositions(std::vector<float>{-0.0F, 0.0F, 0.0F}, 1), ElementsAre(0));
}

TEST(TopPositions, HandlesNegativeInfiniteAndNan) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> scores{nan, -2, -infinity, infinity, -1, -nan, 0};
  EXPECT_THAT(topPositions(scores, 4), ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(topPositions(scores, 1), ElementsAre(3));
  EXPECT_THAT(topPositions(std::vector<float>{nan, -infinity, 1}, 2), ElementsAre(0, 2));
}

TEST(TopPositions, SelectsNoneAndAll) {
  EXPECT_TRUE(topPositions({}, 3).empty());
  EXPECT_TRUE(topPositions(std::vector<float>{1, 2}, 0).empty());
  EXPECT_THAT(topPositions(std::vector<float>{1, 2}, 9), ElementsAre(0, 1));
}

}  // namespace
}  // namespace kvatlas::policy
