// `kvatlas evaluate longbench`, `ruler`, `questions` and `score` as a user runs them, up to tables and figures.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

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

// Four questions on two contexts.
const char* const kAskedContexts =
    R"({"context": "Anne went to Lyme. Louisa fell from the steps, and Anne sent for a surgeon at once.", "questions": [{"question": "Who fell?", "answers": ["Louisa"], "new_tokens": 7}, {"question": "Where did Anne go, as the story says?", "answers": ["Lyme"]}, {"question": "Who came?", "answers": ["a surgeon"]}]})"
    "\n"
    R"({"context": "The captain wrote his letter in silence while the others talked of constancy by the window.", "question": "Who wrote?", "answers": ["the captain"]})"
    "\n";

// The same rows, each question with its context to itself.
std::vector<std::string> oneByOne() {
  std::vector<std::string> rows;
  const std::string text = kAskedContexts;
  const json first = json::parse(text.substr(0, text.find('\n')));
  for (const json& asked : first.at("questions")) {
    json row = asked;
    row["context"] = first.at("context");
    rows.push_back(row.dump() + "\n");
  }
  rows.push_back(text.substr(text.find('\n') + 1));
  return rows;
}

TEST_F(Benchmarks, QuestionsOnOneCompressedContextShareItsPrefill) {
  const Words context{"--compress", "context", "--json"};
  const std::string rows = write("rows.jsonl", kAskedContexts);
  const Ended shared = run(evaluate("questions", "shared", Words{rows} + context));
  expectDone(shared);
  EXPECT_EQ(json::parse(shared.out).at("prefills"), 2);
  const std::vector<Record> together = records("shared");
  ASSERT_EQ(together.size(), 4U * 3);
  const results::ResultsReader reader(path("shared"));
  EXPECT_GT(reader.records()[0].prefill_seconds, 0);
  EXPECT_EQ(reader.records()[3].prefill_seconds, 0);

  std::size_t question = 0;
  for (const std::string& row : oneByOne()) {
    const std::string folder = "alone" + std::to_string(question);
    const Ended ended = run(evaluate("questions", folder, Words{write(folder + ".jsonl", row)} + context));
    expectDone(ended);
    EXPECT_EQ(json::parse(ended.out).at("prefills"), 1);
    const std::vector<Record> alone = records(folder);
    for (std::size_t branch = 0; branch < 3; ++branch) {
      const Record& found = together[question * 3 + branch];
      EXPECT_EQ(found.answer, alone[branch].answer) << found.case_id << ' ' << found.label;
      EXPECT_EQ(found.prompt_sha256, alone[branch].prompt_sha256);
      EXPECT_EQ(found.kept, alone[branch].kept);
    }
    ++question;
  }
  // Where methods know the question, each decides anew.
  const Ended prompt = run(evaluate("questions", "prompt", {rows, "--json"}));
  expectDone(prompt);
  EXPECT_EQ(json::parse(prompt.out).at("prefills"), 4);
}

TEST_F(Benchmarks, ABatchIsTheSameAfterAStopAndInShards) {
  const std::string rows = write("rows.jsonl", kAskedContexts);
  for (const char* compress : {"prompt", "context"}) {
    SCOPED_TRACE(compress);
    const auto folder = [&](const char* name) { return std::string(compress) + name; };
    const Words options{rows, "--compress", compress, "--batch", "2"};
    expectDone(run(evaluate("questions", folder("whole"), options)));
    const std::vector<Record> whole = records(folder("whole"));
    ASSERT_EQ(whole.size(), 4U * 3);

    // Stopped inside the first batch, and in the middle of a line.
    const fs::path lines = fs::path(path(folder("whole"))) / "results.jsonl";
    for (const std::size_t lines_left : {3U, 6U, 11U}) {
      const std::string text = readFile(lines);
      std::size_t end = 0;
      for (std::size_t i = 0; i < lines_left; ++i) end = text.find('\n', end) + 1;
      fs::resize_file(lines, end + 20);
      expectDone(run(evaluate("questions", folder("whole"), options)));
      EXPECT_EQ(records(folder("whole")), whole) << lines_left;
    }
    // Both contexts are in one batch, so one shard has them and the other nothing.
    for (const char* shard : {"1", "2"})
      expectDone(run(evaluate("questions", folder(shard), options + Words{"--shard", std::string(shard) + "/2"})));
    EXPECT_EQ(records(folder("1")).size(), whole.size());
    expectDone(run({"evaluate", "merge", path(folder("1")), path(folder("2")), "-o", path(folder("merged"))}));
    EXPECT_EQ(records(folder("merged")), whole);
    refuses(evaluate("questions", folder("whole"), {rows, "--compress", compress}), 1,
            {"'batch' is 2 in one, missing in the other"});
    // The bundled model's weights are small: its products are the same for any number of rows.
    expectDone(run(evaluate("questions", folder("each"), {rows, "--compress", compress})));
    EXPECT_EQ(records(folder("each")), whole);
  }
}

TEST_F(Benchmarks, ManyPromptsGenerateTogether) {
  const std::string rows =
      write("prompts.jsonl", R"({"prompt": "Anne went to Lyme with the others.", "id": "lyme"})"
                             "\n"
                             R"({"prompt": "The captain wrote a letter.", "question": "Who wrote?"})"
                             "\n"
                             R"({"prompt": "It rained."})"
                             "\n");
  const Words options{"--model", bundledModel().string(), "--method", "snapkv",    "--budget", "6", "--window",
                      "2",       "--max-new-tokens",      "5",        "--threads", "1",        "-q"};
  const Ended together = run(Words{"generate", "--prompts", rows, "--batch", "2", "--json"} + options);
  expectDone(together);
  std::vector<json> lines;
  std::istringstream text(together.out);
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("id"), "lyme");
  EXPECT_EQ(lines[1].at("id"), "2");
  const std::vector<Words> alone{{"--text", "Anne went to Lyme with the others."},
                                 {"--text", "The captain wrote a letter.", "--question", "Who wrote?"},
                                 {"--text", "It rained."}};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Ended one = run(Words{"generate", "--json"} + alone[i] + options);
    expectDone(one);
    const json runs = json::parse(one.out);
    ASSERT_EQ(runs.size(), lines[i].at("runs").size());
    for (std::size_t run = 0; run < runs.size(); ++run) {
      for (const char* field : {"label", "text", "kept_tokens", "cache_bytes"})
        EXPECT_EQ(runs[run].at(field), lines[i].at("runs")[run].at(field)) << i << ' ' << run << ' ' << field;
      for (const char* field : {"kl", "retained"}) {
        if (run == 0) continue;  // not measured of the full cache
        EXPECT_NEAR(runs[run].at(field).get<double>(), lines[i].at("runs")[run].at(field).get<double>(), 1e-5);
      }
    }
  }
  const Ended words = run(Words{"generate", "--prompts", rows} + options);
  expectDone(words);
  EXPECT_THAT(words.out, HasSubstr("== lyme · full\n"));
  refuses(Words{"generate", "--prompts", write("bad.jsonl", "{\"prompt\": \"a b c\"}\n{\"prompt\": 3}\n")} + options, 1,
          {"bad.jsonl:2", "'prompt'"});
  refuses(Words{"generate", "--prompts", write("short.jsonl", "{\"prompt\": \"\"}\n")} + options, 1,
          {"short.jsonl:1", "not empty"});
  refuses(Words{"generate", "--prompts", rows, "--compress", "context"} + options, 1,
          {"prompts.jsonl:1", "'question'"});
  refuses(Words{"generate", "--prompts", rows, "--text", "x"} + options, 2, {"--prompts"});
  refuses(Words{"generate", "--text", "x", "--batch", "2"} + options, 2, {"--batch"});
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
