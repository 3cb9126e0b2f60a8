// `kvatlas evaluate` as a user runs it: its output, its state after a kill, shards, replays, and the full cache's
// answers against `kvatlas generate` and Hugging Face Transformers.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/base/files.h"
#include "core/results/reader.h"
#include "core/text/tokenizer.h"
#include "tests/app/programme.h"
#include "tests/app/trace_contents.h"

namespace kvatlas::app_test {
namespace {

namespace fs = std::filesystem;
using results::Record;
using results::ResultsReader;
using testing::HasSubstr;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Leaves the exit status for waitpid().
bool hasEnded(pid_t process) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

std::string withoutFullStop(std::string answer) {
  if (answer.ends_with('.')) answer.pop_back();
  return answer;
}

class Evaluate : public ProgrammeTest {
 protected:
  [[nodiscard]] Words needle(const std::string& folder, const Words& arguments) const {
    return Words{"evaluate", "needle", "--model", bundledModel().string(), "-q", "-o", path(folder), "--threads", "1"} +
           arguments;
  }
  // Twelve short prompts, three branches. Options in `more` override these.
  [[nodiscard]] Words small(const std::string& folder, const Words& more = {}) const {
    Words words{"--method", "snapkv", "--method", "streamingllm"};
    const std::vector<Words> single{{"--lengths", "80,120"},
                                    {"--depths", "0,50,100"},
                                    {"--trials", "2"},
                                    {"--budget", "24"},
                                    {"--max-new-tokens", "6"}};
    for (const Words& option : single)
      if (std::ranges::find(more, option.front()) == more.end()) words = words + option;
    return needle(folder, words + more);
  }
  [[nodiscard]] std::vector<Record> records(const std::string& folder) const {
    std::vector<Record> found;
    const ResultsReader reader(path(folder));
    for (const Record& record : reader.records()) found.push_back(withoutTimes(record));
    return found;
  }
  void refuses(const Words& arguments, int exit_code, const Words& culprits) const {
    SCOPED_TRACE(testing::PrintToString(arguments));
    expectRefused(run(arguments), exit_code, culprits);
  }
};

TEST_F(Evaluate, WritesOneRecordPerPromptAndBranch) {
  const Ended ended = run(small("results", {"--json"}));
  expectDone(ended);
  const std::vector<Record> all = records("results");
  ASSERT_EQ(all.size(), 36U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Record& record = all[i];
    EXPECT_EQ(record.label, (std::array{"full", "snapkv", "streamingllm"}[i % 3]));
    EXPECT_EQ(record.tokens, record.facets.whole("length"));
    EXPECT_EQ(record.kept, record.method == "full" ? record.facets.number("length") : 24.0);
    EXPECT_EQ(record.prompt_sha256, all[i - i % 3].prompt_sha256);
    EXPECT_EQ(record.score, record.scores.at("exact"));
    EXPECT_EQ(record.scores.size(), 4U);
    EXPECT_EQ(record.scores.at("exact") == 1, withoutFullStop(record.answer) == withoutFullStop(record.expected))
        << record.answer;
    EXPECT_EQ(record.answer.find('\n'), std::string::npos);
  }
  EXPECT_EQ(all.front().case_id, "L80-D0-number-t0");
  EXPECT_EQ(all.back().case_id, "L120-D100-number-t1");

  const auto json = nlohmann::json::parse(ended.out);
  ASSERT_EQ(json.at("rows").size(), 3U);
  for (std::size_t branch = 0; branch < 3; ++branch) {
    double sum = 0;
    for (std::size_t i = branch; i < all.size(); i += 3) sum += all[i].score;
    EXPECT_NEAR(json["rows"][branch]["score"].get<double>(), sum / 12, 1e-12);
    EXPECT_EQ(json["rows"][branch]["n"], 12);
  }
  EXPECT_EQ(json["cases"], 12);
}

TEST_F(Evaluate, ControlCKeepsWhatIsDone) {
  Words arguments =
      needle("results", {"--lengths", "400", "--depths", "0:100:50", "--trials", "20", "--method", "full"});
  std::erase(arguments, "-q");
  Running running(arguments);
  const fs::path written = fs::path(path("results")) / "results.jsonl";
  std::error_code code;
  while (fs::file_size(written, code) == 0 || code) {
    ASSERT_FALSE(hasEnded(running.pid()));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  running.send(SIGINT);
  expectRefused(running.wait(), 130, {path("results"), "resumes"});
  EXPECT_GE(ResultsReader(path("results")).casesDone(), 1U);
}

TEST_F(Evaluate, AFinishedRunIsOnlyToldAgain) {
  expectDone(run(small("results")));
  const std::string bytes = readFile(fs::path(path("results")) / "results.jsonl");
  Words again = small("results");
  std::erase(again, "-q");
  const Ended ended = run(again);
  expectDone(ended);
  EXPECT_THAT(ended.out, HasSubstr("12 of them by earlier runs"));
  EXPECT_THAT(ended.out, HasSubstr("streamingllm"));
  EXPECT_EQ(readFile(fs::path(path("results")) / "results.jsonl"), bytes);
  refuses(small("results", {"--trials", "3"}), 1, {path("results"), "'trials'", "another folder"});
  refuses(small("results", {"--window", "4"}), 1, {"'window'"});
  EXPECT_EQ(readFile(fs::path(path("results")) / "results.jsonl"), bytes);
}

// tests/data/needle/old_run: written by a KVAtlas whose records had no facets.
TEST_F(Evaluate, AFolderOfAnOlderKVAtlasIsReadAndContinued) {
  const fs::path old = fs::path(KVATLAS_TEST_DATA) / "needle/old_run";
  const std::string lines = readFile(old / "results.jsonl");
  const std::size_t half = lines.find("{\"case_id\":\"L160-D50-");
  ASSERT_NE(half, std::string::npos);
  fs::create_directory(path("results"));
  fs::copy(old / "settings.json", path("results"));
  (void)write("results/results.jsonl", lines.substr(0, half + 40));
  EXPECT_EQ(records("results").size(), 4U);
  expectDone(run(needle("results", {"--lengths", "160", "--depths", "0,50", "--kind", "number,words", "--method",
                                    "snapkv", "--budget", "24", "--max-new-tokens", "6"})));
  std::vector<Record> expected;
  const ResultsReader before(old);
  for (const Record& record : before.records()) expected.push_back(withoutTimes(record));
  std::vector<Record> found = records("results");
  for (Record& record : found) record.details = {};  // had not been invented yet
  EXPECT_EQ(found, expected);
  EXPECT_EQ(readFile(fs::path(path("results")) / "settings.json"), readFile(old / "settings.json"));
}

// start:stop:count includes both ends.
TEST_F(Evaluate, RangesOfLengthsAndDepthsReachTheirEnd) {
  expectDone(run(needle(
      "results", {"--lengths", "80:120:2", "--depths", "10:90:3", "--method", "full", "--max-new-tokens", "1"})));
  std::vector<std::pair<double, double>> found;
  for (const Record& record : records("results"))
    found.emplace_back(record.facets.number("length"), record.facets.number("depth"));
  EXPECT_THAT(found, testing::UnorderedElementsAre(testing::Pair(80, 10.0), testing::Pair(80, 50.0),
                                                   testing::Pair(80, 90.0), testing::Pair(120, 10.0),
                                                   testing::Pair(120, 50.0), testing::Pair(120, 90.0)));
}

TEST_F(Evaluate, ShardsJoinToTheWholeRun) {
  expectDone(run(small("whole")));
  for (const char* shard : {"1", "2"}) expectDone(run(small(shard, {"--shard", std::string(shard) + "/2"})));
  EXPECT_EQ(records("1").size(), 18U);
  const Ended merged = run({"evaluate", "merge", path("2"), path("1"), "-o", path("joined")});
  expectDone(merged);
  EXPECT_THAT(merged.out, HasSubstr("snapkv"));
  EXPECT_EQ(records("joined"), records("whole"));
  EXPECT_EQ(readFile(fs::path(path("joined")) / "settings.json"), readFile(fs::path(path("whole")) / "settings.json"));

  expectDone(run(small("other", {"--shard", "2/2", "--seed", "1"})));
  refuses({"evaluate", "merge", path("1"), path("other"), "-o", path("none")}, 1, {"'seed'"});
  refuses({"evaluate", "merge", path("1"), "-o", path("none")}, 1, {"2"});
  refuses({"evaluate", "merge", path("1"), path("1"), "-o", path("none")}, 1, {path("1")});
  refuses({"evaluate", "merge", path("1"), path("absent"), "-o", path("none")}, 1, {path("absent")});
  EXPECT_FALSE(fs::exists(path("none")));
}

// A member's bytes end with its elements.
std::vector<std::uint32_t> idsOf(const Contents& contents, std::size_t count) {
  const std::string& bytes = contents.at("/prompt/ids");
  std::vector<std::uint32_t> ids(count);
  std::memcpy(ids.data(), bytes.data() + bytes.size() - 4 * count, 4 * count);
  return ids;
}

TEST_F(Evaluate, ACaseIsCapturedAgainAndGenerateAnswersAlike) {
  expectDone(run(small("results", {"--kind", "number,multi", "--lengths", "160"})));
  const ResultsReader reader(path("results"));
  for (const char* id : {"L160-D50-number-t1", "L160-D0-multi-t0"}) {
    expectDone(run({"capture", "--from", path("results"), "--case", id, "-q", "--force", "-o", trace()}));
    const auto recorded = reader.find(id);
    const Ended info = run({"info", trace(), "--json"});
    expectDone(info);
    const auto json = nlohmann::json::parse(info.out);
    ASSERT_EQ(json.at("runs").size(), recorded.size());
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      EXPECT_EQ(json["runs"][i]["method"], recorded[i].method);
      EXPECT_EQ(json["runs"][i]["budget_realised"], recorded[i].kept);
      EXPECT_THAT(json["runs"][i]["text"].get<std::string>(), HasSubstr(recorded[i].answer));
    }
    std::map<std::string, int> spans;
    for (const auto& span : json.at("prompt").at("spans")) ++spans[span.at("name")];
    EXPECT_EQ(spans["needle"], 1);
    EXPECT_EQ(spans["question"], 1);
    EXPECT_EQ(spans["other fact"], std::string(id).find("multi") == std::string::npos ? 0 : 3);

    std::string text;
    for (const std::uint32_t token : idsOf(contentsOf(trace()), recorded[0].tokens))
      text += std::to_string(token) + " ";
    const Ended generated = run({"generate", "--model", bundledModel().string(), "--ids", write("prompt.ids", text),
                                 "-q", "--max-new-tokens", "6"});
    expectDone(generated);
    EXPECT_THAT(generated.out, HasSubstr(recorded[0].answer));
  }
  refuses({"capture", "--from", path("results"), "--case", "L160-D51-number-t0", "-o", trace()}, 2,
          {"L160-D51-number-t0"});
  refuses({"capture", "--from", path("results"), "-o", trace()}, 2, {"--from", "--case"});
  refuses({"capture", "--from", path("results"), "--case", "x", "--method", "h2o", "-o", trace()}, 2,
          {"--from", "--method"});
  refuses({"capture", "--from", path("results"), "--case", "L160-D0-multi-t0", "--haystack", write("other.txt", "No."),
           "-o", trace()},
          1, {path("results"), "haystack"});
}

// tests/data/needle/make_needle_goldens.py
TEST_F(Evaluate, FullCacheAnswersAsTransformersDoes) {
  const auto golden = readJsonFile(fs::path(KVATLAS_TEST_DATA) / "needle/answers.json");
  Words arguments = needle("results", golden.at("arguments").get<Words>());
  arguments.erase(std::ranges::find(arguments, "--threads"), std::ranges::find(arguments, "--threads") + 2);
  expectDone(run(arguments));
  const text::Tokenizer tokenizer = text::Tokenizer::load(bundledModel());
  const ResultsReader reader(path("results"));
  std::size_t compared = 0, right = 0;
  for (const auto& [id, expected] : golden.at("cases").items()) {
    const Record& record = reader.find(id).front();
    EXPECT_EQ(record.prompt_sha256, expected.at("prompt_sha256")) << id;
    const std::string text = tokenizer.decode(expected.at("ids").get<std::vector<TokenId>>(), true);
    const auto begin = text.find_first_not_of(" \n");
    ASSERT_NE(begin, std::string::npos) << id;
    // Ours stops at the first full stop or line break.
    EXPECT_EQ(text.substr(begin, record.answer.size()), record.answer) << id;
    const std::string rest = text.substr(begin + record.answer.size(), 1);
    EXPECT_TRUE(rest.empty() || rest == "\n" || record.answer.find('.') != std::string::npos) << id << text;
    ++compared;
    right += record.score == 1 ? 1 : 0;
  }
  EXPECT_GE(compared, 20U);
  EXPECT_GE(right, compared / 2);
}

TEST_F(Evaluate, ThePublishedProtocolOnAFolderOfEssays) {
  fs::create_directory(path("essays"));
  const std::string text = readFile(fs::path(KVATLAS_SOURCE_DIR) / "resources/samples/persuasion.txt");
  (void)write("essays/b.txt", text.substr(2000, 600));
  (void)write("essays/a.txt", text.substr(0, 900));
  Words arguments = needle("results", {"--preset", "paper", "--haystack", path("essays"), "--lengths", "300,700",
                                       "--depths", "0,50", "--method", "snapkv", "--budget", "96"});
  std::erase(arguments, "-q");
  const Ended ended = run(arguments);
  expectDone(ended);
  EXPECT_THAT(ended.out, HasSubstr("ROUGE-1 ×10"));
  const auto all = records("results");
  ASSERT_EQ(all.size(), 8U);
  for (const Record& record : all) {
    EXPECT_EQ(record.facets.text("kind"), "own");
    EXPECT_EQ(record.question, "The best thing to do in San Francisco is: ");
    EXPECT_EQ(record.score, record.scores.at("word_overlap"));
    EXPECT_NE(record.tokens, record.facets.whole("length"));
  }
  const auto settings = nlohmann::json::parse(readFile(fs::path(path("results")) / "settings.json")).at("settings");
  EXPECT_EQ(settings.at("max_new_tokens"), 30);
  EXPECT_EQ(settings.at("granularity"), "query-head");
  EXPECT_EQ(settings.at("preset"), "paper");
}

TEST_F(Evaluate, WhatCannotBeDoneIsSaidBeforeAnythingIsWritten) {
  fs::create_directory(path("empty"));
  const std::string little = write("little.txt", "It was late. They went home.");
  const auto with = [&](const Words& more) { return small("none", more); };
  refuses(with({"--haystack", path("absent")}), 1, {path("absent")});
  refuses(with({"--haystack", path("empty")}), 1, {path("empty"), "*.txt"});
  refuses(with({"--haystack", little}), 2, {"little", "--repeat"});
  refuses(with({"--trials", "0"}), 2, {"--trials"});
  refuses(with({"--lengths", "8192"}), 2, {"--lengths 8192", "4096"});
  refuses(with({"--lengths", "20"}), 2, {"--lengths 20", "tokens"});
  refuses(with({"--lengths", "12x"}), 2, {"--lengths 12x"});
  refuses(with({"--lengths", "1:2"}), 2, {"--lengths 1:2", "start:stop:count"});
  refuses(with({"--depths", "101"}), 2, {"--depths 101"});
  refuses(with({"--kind", "nummber"}), 2, {"nummber", "'number'"});
  refuses(with({"--score", "exakt"}), 2, {"exakt", "'exact'"});
  refuses(with({"--needle", "x"}), 2, {"--question", "--answer"});
  refuses(with({"--shard", "3/2"}), 2, {"--shard 3/2"});
  refuses(with({"--budget", "8"}), 2, {"8"});
  refuses(with({"--trails", "2"}), 2, {"--trails", "'--trials'"});
  refuses({"evaluate", "neddle"}, 2, {"neddle", "'needle'"});
  EXPECT_FALSE(fs::exists(path("none")));
}

TEST_F(Evaluate, ForeignFoldersAreLeftAlone) {
  fs::create_directory(path("mine"));
  (void)write("mine/thesis.tex", "text");
  refuses(small("mine"), 1, {path("mine")});
  EXPECT_EQ(fs::exists(fs::path(path("mine")) / "settings.json"), false);
  fs::create_directory(path("broken"));
  (void)write("broken/settings.json", "{");
  refuses(small("broken"), 1, {"settings.json"});
  EXPECT_EQ(readFile(fs::path(path("broken")) / "settings.json"), "{");
}

}  // namespace
}  // namespace kvatlas::app_test
