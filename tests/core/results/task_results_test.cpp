// Results of a task other than needle: other facets, cases that are not a product, several questions per context.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "core/results/batches.h"
#include "core/results/merge.h"
#include "core/results/tables.h"
#include "tests/support/sample_results.h"

namespace kvatlas::results {
namespace {

using namespace test;  // NOLINT: the fixture of this folder
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// Two tasks with different numbers of rows, two or three questions each.
nlohmann::json taskValues() {
  return {{"task", "reading"},
          {"facets",
           {{{"name", "task"}, {"type", "text"}},
            {{"name", "row"}, {"type", "whole"}},
            {{"name", "share"}, {"type", "number"}},
            {{"name", "ask"}, {"type", "whole"}}}},
          {"cases",
           {{{"task", {"qa"}}, {"row", {0, 1, 2}}, {"share", {0.5}}, {"ask", {0, 1}}},
            {{"task", {"sum"}}, {"row", {7}}, {"share", {1}}, {"ask", {0, 1, 2}}}}},
          {"context_facets", 3},
          {"case_id", "{task}-{row}.{ask}"},
          {"branches",
           {{{"method", "full"}, {"label", "full"}, {"budget", "full"}},
            {{"method", "h2o"}, {"label", "h2o"}, {"budget", "32"}}}},
          {"seed", 0}};
}

std::vector<Record> answersTo(const Settings& settings, const Case& one) {
  std::vector<Record> records;
  for (const Branch& branch : settings.plan().branches) {
    Record record{.case_id = one.id, .prompt_sha256 = "aa", .facets = one.facets, .tokens = 100};
    record.method = branch.method;
    record.label = branch.label;
    record.budget = branch.budget;
    record.question = "Who?";
    record.expected = "Anne";
    record.answer = "Anne Elliot";
    record.score = one.facets.text("task") == "qa" ? 0.25 : 1;
    record.scores = one.facets.text("task") == "qa" ? std::map<std::string, double>{{"f1", 0.25}}
                                                    : std::map<std::string, double>{{"rouge", 1}};
    if (one.facets.text("task") == "qa") record.also_right = {"Miss Elliot", "She"};
    if (one.facets.whole("ask") == 1) record.details = {{"place", 0.75}, {"cut", std::uint64_t{3}}, {"from", "end"}};
    records.push_back(std::move(record));
  }
  return records;
}

void write(const fs::path& folder, const Settings& settings, std::size_t most = 1000) {
  ResultsWriter writer(folder, settings);
  for (; most > 0 && !writer.remaining().empty(); --most)
    writer.append(answersTo(settings, writer.remaining().front()));
}

std::vector<std::string> idsOf(const std::vector<Case>& cases) {
  std::vector<std::string> ids;
  for (const Case& one : cases) ids.push_back(one.id);
  return ids;
}

class TaskResults : public testing::Test {
 protected:
  ScratchFolder m_scratch;
  Settings m_settings{taskValues()};
};

TEST_F(TaskResults, CasesFollowTheBlocks) {
  EXPECT_THAT(idsOf(m_settings.allCases()),
              ElementsAre("qa-0.0", "qa-0.1", "qa-1.0", "qa-1.1", "qa-2.0", "qa-2.1", "sum-7.0", "sum-7.1", "sum-7.2"));
  std::vector<std::uint64_t> contexts;
  for (const Case& one : m_settings.allCases()) contexts.push_back(one.context);
  EXPECT_THAT(contexts, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 3));
  EXPECT_THAT(m_settings.plan().texts("task"), ElementsAre("qa", "sum"));
  EXPECT_THAT(m_settings.plan().wholes("row"), ElementsAre(0, 1, 2, 7));
  EXPECT_THAT(m_settings.plan().numbers("share"), ElementsAre(0.5, 1));
  EXPECT_EQ(m_settings.plan().grouping()->name, "task");
}

TEST_F(TaskResults, AShardHasAContextWithAllItsQuestions) {
  EXPECT_THAT(idsOf(Settings(taskValues(), {1, 2}).cases()), ElementsAre("qa-0.0", "qa-0.1", "qa-2.0", "qa-2.1"));
  EXPECT_THAT(idsOf(Settings(taskValues(), {2, 2}).cases()),
              ElementsAre("qa-1.0", "qa-1.1", "sum-7.0", "sum-7.1", "sum-7.2"));
}

TEST_F(TaskResults, ALineNamesItsFacets) {
  const Case one = m_settings.allCases()[1];
  EXPECT_EQ(printRecord(answersTo(m_settings, one)[1]),
            R"({"case_id":"qa-0.1","prompt_sha256":"aa","tokens":100,"row":0,"share":0.5,"ask":1,"task":"qa",)"
            R"("method":"h2o","label":"h2o","budget":"32","budget_nominal":0.0,"kept":0.0,"question":"Who?",)"
            R"("expected":"Anne","also_right":["Miss Elliot","She"],"answer":"Anne Elliot",)"
            R"("details":{"cut":3,"from":"end","place":0.75},"score":0.25,"scores":{"f1":0.25},)"
            R"("prefill_seconds":0.0,"seconds":0.0})");
}

TEST_F(TaskResults, SurvivesTheRoundTripAndResumes) {
  const fs::path folder = m_scratch / "results";
  write(folder, m_settings, 4);
  EXPECT_EQ(ResultsReader(folder).casesDone(), 4u);
  const std::string torn = bytesOf(folder / kResultsFile);
  put(folder / kResultsFile, torn.substr(0, torn.size() - 9));
  write(folder, m_settings);
  const ResultsReader reader(folder);
  EXPECT_THAT(reader.warnings(), SizeIs(0));
  std::vector<Record> expected;
  for (const Case& one : m_settings.allCases())
    for (Record& record : answersTo(m_settings, one)) expected.push_back(std::move(record));
  EXPECT_EQ(reader.records(), expected);
  EXPECT_EQ(reader.find("sum-7.2")[1].label, "h2o");
  EXPECT_EQ(reader.settings().plan().task, "reading");
  EXPECT_THAT(bytesOf(folder / kSettingsFile), HasSubstr("\"format\": \"kvatlas-evaluation\""));
}

TEST_F(TaskResults, MergedShardsEqualTheUndividedRun) {
  write(m_scratch / "whole", m_settings);
  std::vector<fs::path> shards;
  for (std::uint32_t i = 3; i >= 1; --i) {
    shards.push_back(m_scratch / fmt::format("shard {}", i));
    write(shards.back(), Settings(taskValues(), {i, 3}));
  }
  mergeResults(shards, m_scratch / "merged");
  for (const char* file : {kResultsFile, kSettingsFile})
    EXPECT_EQ(bytesOf(m_scratch / "merged" / file), bytesOf(m_scratch / "whole" / file)) << file;
}

TEST_F(TaskResults, TablesReadFacetsByName) {
  write(m_scratch / "results", m_settings);
  const ResultsReader reader(m_scratch / "results");
  const Plan& plan = reader.settings().plan();
  const Grid grid = gridsOf(plan, reader.records(), {"task", "row"})[1];
  EXPECT_EQ(grid.at(0, 2), 0.25);
  EXPECT_EQ(grid.at(0, 3), std::nullopt);
  EXPECT_EQ(grid.at(1, 3), 1);
  EXPECT_EQ(grid.records, 9u);
  const std::vector<Accuracy> rows = accuracyOf(plan, reader.records(), {.where = {{"task", "sum"}}});
  EXPECT_EQ(rows[0].records, 3u);
  EXPECT_EQ(rows[0].mean, 1);
  EXPECT_EQ(accuracyOf(plan, reader.records(), {.score = "f1", .where = {{"task", "qa"}, {"ask", std::uint64_t{1}}}})[0]
                .records,
            3u);
  EXPECT_THAT(complaint([&] { (void)gridsOf(plan, reader.records(), kLengthByDepth); }), HasSubstr("'length'"));
  EXPECT_THAT(complaint([&] { (void)plan.wholes("task"); }), HasSubstr("'task'"));
}

TEST_F(TaskResults, RecordsOfAnotherCaseAreRefused) {
  ResultsWriter writer(m_scratch / "results", m_settings);
  const std::vector<Case> cases = m_settings.allCases();
  std::vector<Record> records = answersTo(m_settings, cases[0]);
  for (Record& record : records) record.facets = cases[1].facets;
  EXPECT_THAT(complaint([&] { writer.append(records); }), HasSubstr("qa-0.0"));
  records = answersTo(m_settings, cases[0]);
  records[0].details["place"] = std::numeric_limits<double>::infinity();
  EXPECT_THAT(complaint([&] { writer.append(records); }), AllOf(HasSubstr("qa-0.0"), HasSubstr("place")));
}

TEST_F(TaskResults, InvalidPlansAreRefused) {
  const auto refused = [](const char* pointer, const nlohmann::json& value) {
    nlohmann::json values = taskValues();
    values[nlohmann::json::json_pointer(pointer)] = value;
    return complaint([&] { const Settings settings(values); });
  };
  EXPECT_EQ(refused("/seed", 1), "no error");
  EXPECT_THAT(refused("/task", ""), HasSubstr("'task'"));
  EXPECT_THAT(refused("/task", "needle"), HasSubstr("'task'"));
  EXPECT_THAT(refused("/facets", nlohmann::json::array()), HasSubstr("'facets'"));
  EXPECT_THAT(refused("/facets/1/name", "answer"), HasSubstr("'facets[1].name'"));
  EXPECT_THAT(refused("/facets/1/name", "task"), HasSubstr("'facets[1].name'"));
  EXPECT_THAT(refused("/facets/1/type", "int"), HasSubstr("'facets[1].type'"));
  EXPECT_THAT(refused("/cases", nlohmann::json::array()), HasSubstr("'cases'"));
  EXPECT_THAT(refused("/cases/0/row", nlohmann::json::array()), HasSubstr("'cases[0].row'"));
  EXPECT_THAT(refused("/cases/0/row/1", -1), HasSubstr("'cases[0].row'"));
  EXPECT_THAT(refused("/cases/0/row/1", "one"), HasSubstr("'cases[0].row'"));
  EXPECT_THAT(refused("/cases/0/row/1", 0), HasSubstr("two cases have the id qa-0.0"));
  EXPECT_THAT(refused("/cases/1/task/0", "../x"), HasSubstr("'cases[1].task'"));
  EXPECT_THAT(refused("/case_id", "{task}"), HasSubstr("two cases have the id qa"));
  EXPECT_THAT(refused("/context_facets", 0), HasSubstr("'context_facets'"));
  nlohmann::json many = taskValues();
  for (int i = 0; i < 1001; ++i) many["cases"][0]["row"].push_back(i + 10);
  for (int i = 0; i < 1001; ++i) many["cases"][0]["ask"].push_back(i + 10);
  EXPECT_THAT(complaint([&] { const Settings settings(many); }), HasSubstr("more than 1000000 cases"));
}

// Four contexts of 2, 2, 2 and 3 questions.
TEST(Batches, FollowFromThePlanAlone) {
  nlohmann::json values = taskValues();
  values["batch"] = 2;
  const Settings whole(values);
  const std::vector<Case> all = whole.cases();
  ASSERT_THAT(all, SizeIs(9));
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t at = 0; at < all.size(); at = found.back().second) {
    const CaseRange batch = batchOf(2, all, at);
    EXPECT_EQ(batch.begin, at);
    found.emplace_back(batch.begin, batch.end);
    for (std::size_t inside = batch.begin; inside < batch.end; ++inside)
      EXPECT_EQ(batchOf(2, all, inside).begin, batch.begin);
  }
  // The contexts 0 and 1 have four cases, 2 and 3 five.
  EXPECT_THAT(found, ElementsAre(std::pair(0, 2), std::pair(2, 4), std::pair(4, 6), std::pair(6, 8), std::pair(8, 9)));
  EXPECT_THAT(Settings(values, {1, 2}).cases(), SizeIs(4));
  EXPECT_THAT(Settings(values, {2, 2}).cases(), SizeIs(5));
  values["batch"] = 0;
  EXPECT_THAT(complaint([&] { (void)Settings(values); }), HasSubstr("'batch'"));
}

}  // namespace
}  // namespace kvatlas::results
