// Tables over records: grids by length and depth, accuracy with Wilson's interval.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/results/tables.h"
#include "tests/support/sample_results.h"

namespace kvatlas::results {
namespace {

using test::complaint;
using test::sampleValues;
using testing::HasSubstr;

// The first `cases` cases of the sample run.
std::vector<Record> sampleRecords(const Settings& settings, std::size_t cases = 24) {
  std::vector<Record> records;
  for (const Case& one : settings.allCases()) {
    if (cases-- == 0) break;
    for (Record& record : test::recordsOf(settings, one)) records.push_back(std::move(record));
  }
  return records;
}

TEST(Grids, HoldTheMeanOfEachCell) {
  const Settings settings(sampleValues());
  std::vector<Record> records = sampleRecords(settings);
  for (Record& record : records)  // half of the trials at one cell
    if (record.case_id == "L256-D37.5-number-t1" || record.case_id == "L256-D37.5-words-t1")
      if (record.method == "full") record.score = 0;
  const std::vector<Grid> grids = gridsOf(settings.plan(), records, kLengthByDepth);
  ASSERT_EQ(grids.size(), 3u);
  EXPECT_EQ(grids[0].branch.method, "full");
  EXPECT_EQ(grids[0].at(1, 1), 0.5);
  EXPECT_EQ(grids[0].at(0, 1), 1.0);
  EXPECT_DOUBLE_EQ(grids[0].average, 22.0 / 24);
  EXPECT_EQ(grids[1].at(1, 0), 0.0);
  EXPECT_EQ(grids[1].at(1, 1), 0.375);
  EXPECT_EQ(grids[1].at(0, 2), 1.0);
  EXPECT_EQ(grids[0].kept, (127 + 255) / 2.0);
  EXPECT_EQ(grids[1].kept, 32);
}

TEST(Grids, CellsWithoutACaseAreEmptyNotZero) {
  const Settings settings(sampleValues());
  const std::vector<Grid> grids = gridsOf(settings.plan(), sampleRecords(settings, 6), kLengthByDepth);
  EXPECT_EQ(grids[2].at(0, 0), 0.0);
  EXPECT_EQ(grids[2].at(0, 1), 0.0);
  EXPECT_EQ(grids[2].at(0, 2), std::nullopt);
  EXPECT_EQ(grids[2].at(1, 0), std::nullopt);
  EXPECT_EQ(grids[2].records, 6u);
  EXPECT_EQ(gridsOf(settings.plan(), {}, kLengthByDepth)[0].at(0, 0), std::nullopt);
}

TEST(Grids, SelectScoreKindAndLength) {
  const Settings settings(sampleValues());
  const std::vector<Record> records = sampleRecords(settings);
  EXPECT_NEAR(gridsOf(settings.plan(), records, kLengthByDepth, {.score = "word_overlap"})[0].average, 0.1, 1e-12);
  EXPECT_EQ(gridsOf(settings.plan(), records, kLengthByDepth, {.where = {{"kind", "words"}}})[0].records, 12u);
  EXPECT_EQ(gridsOf(settings.plan(), records, kLengthByDepth, {.where = {{"length", std::uint64_t{256}}}})[0].at(0, 0),
            std::nullopt);
  EXPECT_THAT(complaint([&] { (void)gridsOf(settings.plan(), records, kLengthByDepth, {.score = "word_overlop"}); }),
              HasSubstr("word_overlap"));
}

// The interval is where a true share p would lie 1.96 standard errors of its own away: (mean − p)² = z² p(1 − p) / n.
TEST(Wilson, EndsWhereTheTestWouldReject) {
  for (const std::size_t count : {1u, 7u, 100u, 5000u})
    for (const double mean : {0.0, 0.2, 0.5, 0.93, 1.0}) {
      const Interval interval = wilson95(mean, count);
      for (const double p : {interval.low, interval.high}) {
        const double squared = 3.8414588206941236 * p * (1 - p) / static_cast<double>(count);
        EXPECT_NEAR((mean - p) * (mean - p), squared, 1e-12) << mean << " of " << count;
      }
      EXPECT_LE(interval.low, mean);
      EXPECT_GE(interval.high, mean);
    }
}

TEST(Wilson, HasTheKnownValues) {
  const auto expect = [](double mean, std::size_t count, double low, double high) {
    const Interval interval = wilson95(mean, count);
    EXPECT_NEAR(interval.low, low, 5e-5) << mean << " of " << count;
    EXPECT_NEAR(interval.high, high, 5e-5) << mean << " of " << count;
  };
  expect(0.5, 10, 0.2366, 0.7634);
  expect(1, 10, 0.7225, 1);
  expect(0, 10, 0, 0.2775);
  expect(0.9, 100, 0.8256, 0.9448);
  expect(0, 0, 0, 1);
}

TEST(AccuracyTable, HasOneRowPerBranch) {
  const Settings settings(sampleValues());
  const std::vector<Accuracy> rows = accuracyOf(settings.plan(), sampleRecords(settings));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1].branch.label, "snapkv");
  EXPECT_EQ(rows[1].records, 24u);
  EXPECT_NEAR(rows[1].mean, (0 + 0.375 + 1) / 3, 1e-12);
  EXPECT_LT(rows[1].interval.low, rows[1].mean);
  EXPECT_GT(rows[1].interval.high, rows[1].mean);
  EXPECT_EQ(rows[1].kept, 32);
  EXPECT_EQ(rows[0].nominal, (127 + 255) / 2.0);
  EXPECT_EQ(accuracyOf(settings.plan(), {})[2].records, 0u);
}

}  // namespace
}  // namespace kvatlas::results
