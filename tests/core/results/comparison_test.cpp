// The table of sets and branches: means, paired differences, their intervals and marks, and numbers laid beside.
#include "core/results/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/csv.h"
#include "tests/support/sample_results.h"

namespace kvatlas::results {
namespace {

using namespace test;  // NOLINT: the fixture of this folder
using testing::HasSubstr;

Plan planOf(std::size_t rows) {
  std::vector<std::size_t> numbers(rows);
  for (std::size_t i = 0; i < rows; ++i) numbers[i] = i;
  return results::planOf(
      {{"task", "reading"},
       {"facets", {{{"name", "dataset"}, {"type", "text"}}, {{"name", "row"}, {"type", "whole"}}}},
       {"cases", {{{"dataset", {"qa"}}, {"row", numbers}}, {{"dataset", {"sum"}}, {"row", {0U, 1U}}}}},
       {"case_id", "{dataset}-{row}"},
       {"branches",
        {{{"method", "full"}, {"label", "full"}, {"budget", "full"}},
         {{"method", "h2o"}, {"label", "h2o"}, {"budget", "32"}}}}},
      "settings");
}

// The full cache is right in every even row; h2o loses `loss` there.
std::vector<Record> recordsOf(const Plan& plan, double loss) {
  std::vector<Record> records;
  for (const Case& one : plan.cases())
    for (const Branch& branch : plan.branches) {
      Record record{.case_id = one.id,
                    .facets = one.facets,
                    .method = branch.method,
                    .label = branch.label,
                    .budget = branch.budget};
      const double full = one.facets.whole("row") % 2 == 0 ? 1 : 0.5;
      record.score = branch.method == "full" ? full : full - (one.facets.whole("row") % 3 == 0 ? loss : 0);
      record.scores = {{"other", 0.25}};
      record.kept = 10;
      records.push_back(std::move(record));
    }
  return records;
}

TEST(Comparison, HasMeansAndPairedDifferences) {
  const Plan plan = planOf(60);
  const Comparison table = compare(plan, recordsOf(plan, 0.3));
  EXPECT_EQ(table.sets, (std::vector<std::string>{"qa", "sum"}));
  ASSERT_EQ(table.branches.size(), 2U);
  const ComparedBranch &full = table.branches[0], &h2o = table.branches[1];
  EXPECT_NEAR(full.cells[0].mean, 0.75, 1e-12);
  EXPECT_FALSE(full.cells[0].difference.has_value());
  EXPECT_NEAR(full.average.mean, 0.75, 1e-12);
  EXPECT_EQ(full.average.count, 62U);
  EXPECT_EQ(h2o.kept, 10);
  const Difference& qa = *h2o.cells[0].difference;
  EXPECT_NEAR(qa.mean, -0.1, 1e-12);  // a third of the rows loses 0.3
  // The bootstrap's standard error is that of a share of a third in 60 rows.
  const double error = 0.3 * std::sqrt(1.0 / 3 * 2 / 3 / 60);
  EXPECT_NEAR(qa.interval->low, -0.1 - 1.96 * error, 0.4 * error);
  EXPECT_NEAR(qa.interval->high, -0.1 + 1.96 * error, 0.4 * error);
  EXPECT_TRUE(qa.marked);
  EXPECT_NEAR(h2o.cells[1].difference->mean, -0.15, 1e-12);
  EXPECT_FALSE(h2o.cells[1].difference->marked) << "two prompts prove nothing";
  EXPECT_NEAR(h2o.average.difference->mean, -0.125, 1e-12) << "the mean of the sets, not of the prompts";
  EXPECT_TRUE(h2o.average.difference->interval->low < -0.125 && h2o.average.difference->interval->high > -0.125);
}

TEST(Comparison, IsTheSameEveryTimeAndMarksNoDifferenceWhereThereIsNone) {
  const Plan plan = planOf(30);
  const auto records = recordsOf(plan, 0);
  const Comparison table = compare(plan, records), again = compare(plan, records);
  EXPECT_EQ(table.branches[1].cells[0].difference->interval->low, 0);
  EXPECT_FALSE(table.branches[1].cells[0].difference->marked);
  const auto some = recordsOf(plan, 0.3);
  EXPECT_EQ(compare(plan, some).branches[1].average.difference->interval->low,
            compare(plan, some).branches[1].average.difference->interval->low);
  EXPECT_EQ(again.branches[1].average.mean, table.branches[1].average.mean);
  EXPECT_EQ(compare(plan, records, "other").branches[0].cells[1].mean, 0.25);
  EXPECT_THAT(complaint([&] { (void)compare(plan, records, "otter"); }), HasSubstr("did you mean 'other'"));
}

TEST(Comparison, OnePromptHasNoInterval) {
  const Plan plan = planOf(1);
  const Comparison table = compare(plan, recordsOf(plan, 0.3));
  EXPECT_NEAR(table.branches[1].cells[0].difference->mean, -0.3, 1e-12);
  EXPECT_FALSE(table.branches[1].cells[0].difference->interval.has_value());
  EXPECT_TRUE(table.branches[1].cells[1].difference->interval.has_value());
  EXPECT_FALSE(table.branches[1].average.difference->interval.has_value());
}

TEST(Comparison, LeavesOutCasesThatTheOtherBranchDoesNotHave) {
  const Plan plan = planOf(12);
  auto records = recordsOf(plan, 0.3);
  records.erase(records.begin());  // the full cache's first answer
  const Comparison table = compare(plan, records);
  EXPECT_EQ(table.branches[0].cells[0].count, 11U);
  EXPECT_EQ(table.branches[1].cells[0].count, 12U);
  EXPECT_NEAR(table.branches[1].cells[0].difference->mean, -0.9 / 11, 1e-12);
}

TEST(Comparison, ReadsNumbersToLayBeside) {
  const std::vector<std::string> sets{"qa", "sum"};
  const auto rows = readBeside("name,sum,qa\nPaper,\"21.5\", 30 \nOther,,7\n", "p.csv", sets);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "Paper");
  EXPECT_EQ(rows[0].values, (std::vector<std::optional<double>>{30, 21.5}));
  EXPECT_EQ(rows[1].values, (std::vector<std::optional<double>>{7, std::nullopt}));
  const auto problem = [&](const std::string& csv) { return complaint([&] { (void)readBeside(csv, "p.csv", sets); }); };
  EXPECT_THAT(problem(""), HasSubstr("p.csv: expected a first line 'name,qa,…'"));
  EXPECT_THAT(problem("name,qb\nx,1\n"),
              HasSubstr("p.csv:1: column 'qb': the results have no such set, did you mean 'qa'"));
  EXPECT_THAT(problem("name,qa\nx,many\n"), HasSubstr("p.csv:2: column 'qa': expected a number, found 'many'"));
  EXPECT_THAT(problem("name,qa\nx\n"), HasSubstr("p.csv:2: 1 cells, the first line has 2"));
  EXPECT_THAT(problem("name,\"qa\nx,1\n"), HasSubstr("a quote never ends"));
}

TEST(Csv, ReadsBackWhatItWrites) {
  const std::string line = csvCell("a,b") + "," + csvCell("say \"no\"\nor yes") + "," + csvCell("plain") + ",\r\n";
  EXPECT_EQ(parseCsv(line, "x"), (std::vector<std::vector<std::string>>{{"a,b", "say \"no\"\nor yes", "plain", ""}}));
}

}  // namespace
}  // namespace kvatlas::results
