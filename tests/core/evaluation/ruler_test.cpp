// RULER's generated rows: exact lengths with every tokenizer, the same from the same seed, answers where they belong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/evaluation/needle_task.h"
#include "core/evaluation/ruler/ruler_settings.h"
#include "core/evaluation/task.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using results::Case;
using testing::HasSubstr;

const fs::path kText = fs::path(KVATLAS_SOURCE_DIR) / "resources/samples/persuasion.txt";

text::Tokenizer tokenizerOf(const std::string& name) {
  return text::Tokenizer::load(fs::path(KVATLAS_TEST_DATA) / "tokenizers" / name);
}

class Ruler : public testing::Test {
 protected:
  Ruler() {
    json squad{{"data", json::array()}}, hotpot = json::array();
    for (int a = 0; a < 30; ++a) {
      json paragraphs = json::array(), titles = json::array();
      for (int p = 0; p < 10; ++p) {
        const std::string text =
            "Ship " + std::to_string(10 * a + p) + " sailed from port " + std::to_string(a) + " with a load of salt.";
        paragraphs.push_back({{"context", text},
                              {"qas",
                               {{{"question", "Which ship " + std::to_string(10 * a + p) + "?"},
                                 {"is_impossible", p % 2 == 1},
                                 {"answers", {{{"text", "port " + std::to_string(a)}}}}}}}});
        titles.push_back({"Title " + std::to_string(10 * a + p), {text, " It rained."}});
      }
      squad["data"].push_back({{"paragraphs", paragraphs}});
      hotpot.push_back(
          {{"question", "From where did they sail?"}, {"answer", "port " + std::to_string(a)}, {"context", titles}});
    }
    m_sources = {{kHaystackSource, {kText}},
                 {kSquadSource, {m_folder.write("squad.json", squad.dump())}},
                 {kHotpotSource, {m_folder.write("hotpot.json", hotpot.dump())}}};
  }

  std::unique_ptr<Task> open(const RulerOptions& options, const text::Tokenizer& tokenizer,
                             const TextFrame& frame = {}) {
    RulerOptions chosen = options;
    chosen.frame = frame;
    return openTask({.name = kRulerTask, .values = rulerJson(chosen), .sources = m_sources},
                    {.tokenizer = tokenizer, .name = "m", .positions = 4096}, silentProgress());
  }
  RulerOptions small() const {
    return {.tasks = chooseRulerTasks("all", m_sources), .lengths = {1024}, .rows = 2, .seed = 5};
  }
  static std::string errorOf(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  test::ScratchFolder m_folder;
  Sources m_sources;
};

TEST_F(Ruler, PromptsHaveTheirTokensWithEveryTokenizer) {
  const TextFrame chat{
      .place = TextFrame::Place::AfterCutting, .before = "[INST] ", .after = " [/INST]", .adds_special = false};
  for (const char* name : {"gpt2", "llama2", "llama3", "mistral"}) {
    const auto tokenizer = tokenizerOf(name);
    for (const TextFrame& frame : {TextFrame{}, chat}) {
      const auto task = open(small(), tokenizer, frame);
      const auto cases = results::planOfTask(task->settings()).cases();
      ASSERT_EQ(cases.size(), 26U);
      for (const Case& one : cases) {
        SCOPED_TRACE(std::string(name) + " " + one.id);
        const EvaluationPrompt prompt = task->prompt(one);
        EXPECT_EQ(prompt.prepared.ids.size() + prompt.most_new_tokens, 1024U);
        EXPECT_EQ(prompt.prepared.offsets.size(), prompt.prepared.ids.size() + 1);
        EXPECT_TRUE(std::ranges::is_sorted(prompt.prepared.offsets));
        EXPECT_EQ(prompt.prepared.offsets.back(), prompt.prepared.text.size());
        EXPECT_LT(std::get<std::uint64_t>(prompt.details.at("padding")), 70U);
        const std::string decoded = tokenizer.decode(prompt.prepared.ids, true);
        EXPECT_THAT(decoded, HasSubstr(prompt.expected));
        for (const std::string& other : prompt.also_right) EXPECT_THAT(decoded, HasSubstr(other));
      }
    }
  }
}

TEST_F(Ruler, TheSameSeedGivesTheSameRowsWhateverElseTheRunHas) {
  const auto tokenizer = tokenizerOf("gpt2");
  const auto whole = open(small(), tokenizer), again = open(small(), tokenizer);
  RulerOptions one = small(), other = small();
  one.tasks = {"vt"};
  other.seed = 6;
  const auto part = open(one, tokenizer), different = open(other, tokenizer);
  for (const Case& wanted : results::planOfTask(part->settings()).cases()) {
    EXPECT_EQ(whole->prompt(wanted).sha256, part->prompt(wanted).sha256);
    EXPECT_NE(whole->prompt(wanted).sha256, different->prompt(wanted).sha256);
  }
  for (const Case& wanted : results::planOfTask(whole->settings()).cases())
    EXPECT_EQ(whole->prompt(wanted).sha256, again->prompt(wanted).sha256) << wanted.id;
}

TEST_F(Ruler, ScoresEveryAnswerOrAny) {
  const auto tokenizer = tokenizerOf("gpt2");
  const auto task = open(small(), tokenizer);
  for (const Case& wanted : results::planOfTask(task->settings()).cases()) {
    const EvaluationPrompt prompt = task->prompt(wanted);
    std::string all = prompt.expected;
    for (const std::string& more : prompt.also_right) all += ", " + more;
    EXPECT_EQ(task->scores(wanted, all).at(task->mainScore(wanted)), 1) << wanted.id;
    EXPECT_EQ(task->scores(wanted, "?").at(task->mainScore(wanted)), 0) << wanted.id;
    const double share =
        wanted.facets.text("task").starts_with("qa") ? 1 : 1.0 / static_cast<double>(1 + prompt.also_right.size());
    EXPECT_DOUBLE_EQ(task->scores(wanted, prompt.expected).at(task->mainScore(wanted)), share) << wanted.id;
  }
}

TEST_F(Ruler, NamesWhatIsWrong) {
  const auto tokenizer = tokenizerOf("gpt2");
  EXPECT_EQ(chooseRulerTasks("all", {}).size(), 11U);
  EXPECT_THAT(errorOf([] { (void)chooseRulerTasks("vt,niah_single_4", {}); }),
              HasSubstr("did you mean 'niah_single_1'"));
  RulerOptions options = small();
  options.lengths = {120};
  const auto check = [&](const RulerOptions& chosen) {
    return errorOf([&] {
      const auto task = open(chosen, tokenizer);
      for (const Case& one : results::planOfTask(task->settings()).cases()) task->check(one);
    });
  };
  EXPECT_THAT(check(options), HasSubstr("--lengths 120: an answer of niah_single_1 may have 128 tokens"));
  options.lengths = {160};
  EXPECT_THAT(check(options), HasSubstr("--lengths 160: the smallest prompt of niah_single_1 has"));
  options.lengths = {8192};
  EXPECT_THAT(check(options), HasSubstr("m supports 4096 positions"));
  options = {.tasks = {"qa_1"}, .lengths = {4096}, .rows = 1};
  m_sources[kSquadSource] = {m_folder.write(
      "one.json",
      R"({"data": [{"paragraphs": [{"context": "x", "qas": [{"question": "q", "answers": [{"text": "x"}]}]}]}]})")};
  EXPECT_THAT(check(options), HasSubstr("all 1 documents of qa_1 do not fill"));
  m_sources[kSquadSource] = {m_folder.write("bad.json", R"({"data": [{"paragraphs": [{"qas": []}]}]})")};
  EXPECT_THAT(check(options), HasSubstr("bad.json: expected SQuAD's JSON"));
  m_sources.erase(kSquadSource);
  EXPECT_THAT(check(options), HasSubstr("--tasks qa_1: needs --squad"));
}

TEST_F(Ruler, ReadsPublishedFiles) {
  const auto tokenizer = tokenizerOf("gpt2");
  fs::create_directories(m_folder / "4096/vt");
  m_folder.write("4096/vt/validation.jsonl",
                 R"({"index": 0, "input": "Some text.\nWhich?", "outputs": ["AB", "CD"], "length": 9})"
                 "\n");
  const RulerOptions options{.tasks = {"vt"}, .lengths = {4096}, .rows = 3, .published = true};
  const TaskRequest request{
      .name = kRulerTask, .values = rulerJson(options), .sources = {{kDataSource, {m_folder.path()}}}};
  const auto task = openTask(request, {.tokenizer = tokenizer, .positions = 4096}, silentProgress());
  const auto cases = results::planOfTask(task->settings()).cases();
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(task->prompt(cases.front()).prepared.text, "Some text.\nWhich?");
  EXPECT_EQ(task->scores(cases.front(), "ab").at("string_match_all"), 0.5);
  TaskRequest missing = request;
  missing.values["tasks"] = {"fwe"};
  EXPECT_THAT(errorOf([&] { (void)openTask(missing, {.tokenizer = tokenizer, .positions = 4096}, silentProgress()); }),
              HasSubstr("contains neither 4096/fwe.jsonl"));
}

}  // namespace
}  // namespace kvatlas::evaluation
