// `kvatlas evaluate longbench`, `ruler`, `questions` and `score` as a user runs them, up to tables and figures.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/results/reader.h"
#include "tests/app/programme.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using results::Record;
using testing::HasSubstr;

const std::string kData = (fs::path(KVATLAS_TEST_DATA) / "longbench").string();

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class Benchmarks : public ProgrammeTest {
 protected:
  [[nodiscard]] Words evaluate(const std::string& task, const std::string& output, const Words& more) const {
    return Words{"evaluate",
                 task,
                 "--model",
                 bundledModel().string(),
                 "-q",
                 "-o",
                 path(output),
                 "--threads",
                 "1",
                 "--method",
                 "snapkv",
                 "--method",
                 "streamingllm",
                 "--budget",
                 "24",
                 "--max-new-tokens",
                 "4"} +
           more;
  }
  [[nodiscard]] std::vector<Record> records(const std::string& folder) const {
    std::vector<Record> found;
    const results::ResultsReader reader(path(folder));
    for (const Record& record : reader.records()) found.push_back(withoutTimes(record));
    return found;
  }
  void refuses(const Words& arguments, int exit_code, const Words& culprits) const {
    SCOPED_TRACE(testing::PrintToString(arguments));
    expectRefused(run(arguments), exit_code, culprits);
  }
};

TEST_F(Benchmarks, LongBenchFromItsFolderToTheTable) {
  const Words sets{"--data", kData, "--sets", "qasper,trec,lcc,passage_count", "--max-prompt-tokens", "120"};
  const Ended whole = run(evaluate("longbench", "whole", sets + Words{"--json"}));
  expectDone(whole);
  const std::vector<Record> all = records("whole");
  ASSERT_EQ(all.size(), 4U * 2 * 3);
  EXPECT_EQ(json::parse(whole.out).at("rows").size(), 4U * 3);
  for (const Record& record : all) {
    EXPECT_LE(record.tokens, 125U);
    EXPECT_TRUE(record.details.contains("cache_bytes"));
    EXPECT_EQ(record.kept, record.method == "full" ? static_cast<double>(record.tokens) : 24.0);
  }
  for (const char* shard : {"1", "2"})
    expectDone(
        run(evaluate("longbench", std::string("shard") + shard, sets + Words{"--shard", std::string(shard) + "/2"})));
  expectDone(run({"evaluate", "merge", path("shard1"), path("shard2"), "-o", path("merged")}));
  EXPECT_EQ(records("merged"), all);
  expectDone(run({"capture", "--from", path("whole"), "--case", "qasper-1", "-q", "-o", trace()}));

  const std::string beside = write("paper.csv", "name,qasper,trec\nPaper,12.5,30\n");
  for (const char* kind : {"t.md", "t.csv", "t.tex"})
    expectDone(run({"export", path("whole"), "table", "-o", path(kind), "--beside", beside}));
  EXPECT_THAT(readFile(path("t.md")), HasSubstr("| Paper (published) |  |  | 12.50 | "));
  EXPECT_THAT(readFile(path("t.md")), HasSubstr("paired bootstrap"));
  EXPECT_THAT(readFile(path("t.csv")), HasSubstr("snapkv,snapkv,24,24,qasper,2,"));
  EXPECT_THAT(readFile(path("t.tex")), HasSubstr("passage\\_count"));
  refuses({"export", path("whole"), "table", "-o", path("t.pdf")}, 2, {"t.pdf", ".md"});
  refuses({"export", path("whole"), "accuracy", "-o", path("a.csv"), "--beside", beside}, 2, {"--beside"});
}

TEST_F(Benchmarks, RulerRowsOfTheirLengths) {
  expectDone(run(evaluate("ruler", "ruler", {"--lengths", "400,500", "--rows", "1", "--tasks", "vt,niah_multikey_2"})));
  const std::vector<Record> all = records("ruler");
  ASSERT_EQ(all.size(), 2U * 2 * 3);
  for (const Record& record : all) EXPECT_EQ(record.tokens + 4, record.facets.whole("length"));
  expectDone(run({"capture", "--from", path("ruler"), "--case", "vt-L500-0", "-q", "-o", trace()}));
  refuses(evaluate("ruler", "other", {"--tasks", "qa_1"}), 2, {"--tasks qa_1", "--squad"});
  refuses(evaluate("ruler", "other", {"--tasks", "vtt"}), 2, {"did you mean 'vt'"});
  refuses(evaluate("ruler", "other", {"--data", path("nowhere"), "--lengths", "400", "--tasks", "vt"}), 1,
          {"400/vt.jsonl"});
}

TEST_F(Benchmarks, QuestionsOfTheUser) {
  const std::string rows = write(
      "rows.jsonl",
      R"({"context": "Anne went to Lyme.", "questions": [{"question": "Who?", "answers": ["Anne"]}, {"question": "Where?", "answers": ["Lyme"], "metric": "string_match_part"}]})"
      "\n");
  expectDone(run(evaluate("questions", "mine", {rows})));
  const std::vector<Record> all = records("mine");
  ASSERT_EQ(all.size(), 2U * 3);
  EXPECT_EQ(all.front().case_id, "c0-q0");
  EXPECT_TRUE(all.back().scores.contains("string_match_part"));
  refuses(evaluate("questions", "other", {write("bad.jsonl", "{\"context\": 1}\n")}), 1, {"bad.jsonl:1", "'context'"});
  refuses(evaluate("questions", "mine", {rows, "--metric", "rouge_l"}), 1, {"other settings", "metric"});
}

TEST_F(Benchmarks, ScoresFilesWithoutAModel) {
  const std::string file =
      write("hotpotqa.jsonl", R"({"pred": "the red house", "answers": ["a red house", "barn"], "length": 3})"
                              "\n"
                              R"({"pred": "", "answers": ["x"]})"
                              "\n");
  const Ended ended = run({"evaluate", "score", file, "--json", "--each", path("each.jsonl")});
  expectDone(ended);
  EXPECT_EQ(json::parse(ended.out), json::parse(R"({"datasets": {"hotpotqa": {"count": 2, "score": 0.5}}})"));
  EXPECT_EQ(readFile(path("each.jsonl")),
            R"({"pred":"the red house","answers":["a red house","barn"],"length":3,"score":1.0})"
            "\n"
            R"({"pred":"","answers":["x"],"score":0.0})"
            "\n");
  refuses({"evaluate", "score", file, write("hotpot.jsonl", "{}\n"), "--each", path("none.jsonl")}, 1,
          {"hotpot.jsonl:1"});
  EXPECT_FALSE(fs::exists(path("none.jsonl")));
}

}  // namespace
}  // namespace kvatlas::app_test
