// Numbers of runs and heads: agreement, retained mass, kept tokens, and statistics of a head's recorded attention.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/analysis/agreement.h"
#include "core/analysis/head_statistics.h"
#include "core/base/error.h"
#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::analysis {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// One layer with two query heads and ten tokens.
struct TwoHeads {
  trace::ModelInfo model;
  trace::RunHeader header;
  trace::RunRecord record;
  explicit TwoHeads(std::uint32_t heads) {
    model.layers = 1;
    model.query_heads = 2;
    header.heads = heads;
  }
  [[nodiscard]] RunData data(std::uint64_t tokens = 10) const { return {header, record, model, tokens}; }
};

TEST(Agreement, RunsOfDifferentGranularityAreComparedPerQueryHead) {
  TwoHeads kv(1), query(2);
  kv.record.kept_offsets = {0, 2};
  kv.record.kept_positions = {1, 2};
  query.record.kept_offsets = {0, 2, 4};
  query.record.kept_positions = {1, 2, 2, 3};
  EXPECT_NEAR(agreement(kv.data(), query.data(), LayerIndex(0)), (1.0 + 1.0 / 3) / 2, 1e-12);
  EXPECT_NEAR(agreement(query.data(), kv.data(), LayerIndex(0)), (1.0 + 1.0 / 3) / 2, 1e-12);
  EXPECT_EQ(agreementPerLayer(kv.data(), query.data()).size(), 1U);
  EXPECT_TRUE(std::isnan(agreement(kv.data(), query.data(11), LayerIndex(0)))) << "different prompt";
}

TEST(Agreement, EachHeadIsComparedWithItself) {
  TwoHeads a(2), b(2);
  a.record.kept_offsets = b.record.kept_offsets = {0, 2, 4};
  a.record.kept_positions = {1, 2, 3, 4};
  b.record.kept_positions = {1, 2, 8, 9};
  EXPECT_NEAR(agreement(a.data(), b.data(), LayerIndex(0)), 0.5, 1e-12);
  b.record.kept_positions = {3, 4, 1, 2};
  EXPECT_EQ(agreement(a.data(), b.data(), LayerIndex(0)), 0);
}

TEST(Agreement, ARunThatKeepsEverythingHoldsEveryPosition) {
  TwoHeads full(2), some(2);
  full.record.kept_offsets = {0, 10, 20};  // no list: nothing was evicted
  some.record.kept_offsets = {0, 2, 6};
  some.record.kept_positions = {1, 2, 0, 1, 2, 3};
  EXPECT_TRUE(full.data().everything());
  EXPECT_DOUBLE_EQ(agreement(full.data(), full.data(), LayerIndex(0)), 1);
  EXPECT_DOUBLE_EQ(agreement(full.data(), some.data(), LayerIndex(0)), (0.2 + 0.4) / 2);
}

TEST(RunData, IsEmptyOutsideTheModelAndOfDamagedOffsets) {
  TwoHeads run(2);
  run.record.kept_offsets = {0, 2, 9};
  run.record.kept_positions = {1, 2, 3};
  EXPECT_EQ(run.data().kept(LayerIndex(0), 0).size(), 2U);
  EXPECT_TRUE(run.data().kept(LayerIndex(0), 1).empty()) << "its offset is past the list";
  EXPECT_TRUE(run.data().kept(LayerIndex(0), 2).empty());
  EXPECT_TRUE(run.data().kept(LayerIndex(1), 0).empty());
}

TEST(RunMetric, IsTheMeanOverStepsAndTheCapacityOfTheServingHead) {
  TwoHeads run(1);
  run.record.capacity = {7};
  run.record.retained = {0.25F, 0.5F, 0.75F, kNan};  // [2 steps, 1 layer, 2 heads]
  EXPECT_EQ(runMetric(run.data(), HeadMetric::Kept, LayerIndex(0), HeadIndex(1)), 7);
  EXPECT_EQ(runMetric(run.data(), HeadMetric::Retained, LayerIndex(0), HeadIndex(0)), 0.5F);
  EXPECT_EQ(runMetric(run.data(), HeadMetric::Retained, LayerIndex(0), HeadIndex(1)), 0.5F) << "NaN is skipped";
  run.record.retained.clear();
  EXPECT_TRUE(std::isnan(runMetric(run.data(), HeadMetric::Retained, LayerIndex(0), HeadIndex(0))));
  EXPECT_THROW((void)runMetric(run.data(), HeadMetric::Entropy, LayerIndex(0), HeadIndex(0)), Error);
}

TEST(HeadMetric, UnknownMetricsAreRefused) {
  const auto unknown = static_cast<HeadMetric>(std::size(kHeadMetrics));
  EXPECT_THROW((void)titleOf(unknown), Error);
  EXPECT_THROW((void)meaningOf(unknown), Error);
  EXPECT_THROW((void)HeadStatistics{}.of(unknown), Error);
  EXPECT_THROW((void)HeadStatistics{}.of(HeadMetric::Kept), Error) << "a run metric";
}

TEST(HeadStatistics, MatchTheRecordedSignals) {
  const test::ScratchFolder folder;
  const test::SampleTrace made = test::makeSampleTrace();
  test::writeSampleTrace(folder / "a.kva.h5", made);
  const trace::Reader reader(folder / "a.kva.h5");
  const HeadStatistics numbers = headStatistics(reader, LayerIndex(3), HeadIndex(2));
  const auto head = [&](const std::vector<float>& values) {
    return std::vector<float>(values.begin() + 512, values.begin() + 768);
  };
  const std::vector<float> entropy = head(made.layers[3].values[Signal::Entropy]);
  std::vector<float> received = head(made.layers[3].values[Signal::Received]);
  EXPECT_NEAR(numbers.entropy, std::accumulate(entropy.begin(), entropy.end(), 0.0) / 256, 1e-5);
  EXPECT_NEAR(numbers.sink_mass, std::accumulate(received.begin(), received.begin() + 4, 0.0) / 256, 1e-5);
  std::sort(received.rbegin(), received.rend());
  EXPECT_NEAR(numbers.concentration, (received[0] + received[1]) / 256, 1e-5) << "1 % of 256 tokens are 2";
  EXPECT_GT(numbers.locality, 0);
  EXPECT_LT(numbers.locality, 1);
  EXPECT_TRUE(std::isnan(headStatistics(reader, LayerIndex(9), HeadIndex(0)).entropy)) << "not recorded";
}

}  // namespace
}  // namespace kvatlas::analysis
