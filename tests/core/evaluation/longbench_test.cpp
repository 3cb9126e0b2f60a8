// LongBench's prompts against the published runners' (tests/data/longbench), its cases and scores, and damaged folders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/sha256.h"
#include "core/evaluation/longbench/longbench_settings.h"
#include "core/evaluation/task.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using results::Case;
using testing::HasSubstr;

const fs::path kData = fs::path(KVATLAS_TEST_DATA) / "longbench";

fs::path given(const char* variable, const fs::path& otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : fs::path(value);
}

text::Tokenizer tokenizerOf(const std::string& name) {
  return text::Tokenizer::load(fs::path(KVATLAS_TEST_DATA) / "tokenizers" / name);
}

LongBenchOptions optionsFor(const std::string& sets = "all") {
  LongBenchOptions options;
  chooseSets(sets, options);
  return options;
}

class Warnings final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void warn(std::string_view message) override { text += message; }
  std::string text;
};

template <class Action>
std::string messageOf(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// A model's folder that only says how its tokenizer decodes.
void writeDecoding(const test::ScratchFolder& folder, bool cleans) {
  folder.write("tokenizer_config.json", json{{"clean_up_tokenization_spaces", cleans}}.dump());
}

// KVATLAS_LONGBENCH and KVATLAS_LONGBENCH_GOLDENS: the same with LongBench's own rows.
TEST(LongBench, PromptsEqualThePublishedRunners) {
  const json goldens = readJsonFile(given("KVATLAS_LONGBENCH_GOLDENS", kData / "goldens.json"));
  const fs::path data = given("KVATLAS_LONGBENCH", kData);
  std::map<std::string, json> groups;  // the cases of one run
  for (const json& golden : goldens)
    groups[golden.at("tokenizer").get<std::string>() + golden.at("limit").dump()].push_back(golden);
  EXPECT_EQ(groups.size(), 12U);
  for (const auto& [name, cases] : groups) {
    const json& first = cases.front();
    const auto tokenizer = tokenizerOf(first.at("tokenizer"));
    const test::ScratchFolder folder;
    writeDecoding(folder, first.at("cleans"));
    LongBenchOptions options = optionsFor();
    options.most_tokens = first.at("limit");
    applyFactoryProtocol(first.at("protocol"), options);
    const auto task = openTask(longBenchRequest(options, data),
                               {.tokenizer = tokenizer, .folder = folder.path(), .name = "m", .positions = 1U << 30},
                               silentProgress());
    std::map<std::string, Case> planned;
    for (Case& one : results::planOfTask(task->settings()).cases()) planned.emplace(one.id, one);
    EXPECT_EQ(planned.size(), cases.size());
    for (const json& golden : cases) {
      const EvaluationPrompt prompt = task->prompt(planned.at(golden.at("case")));
      EXPECT_EQ(sha256Hex(prompt.prepared.text), golden.at("text")) << golden;
      EXPECT_EQ(prompt.sha256, golden.at("ids")) << golden;
      EXPECT_EQ(prompt.prepared.ids.size(), golden.at("tokens"));
    }
  }
}

class LongBenchFolderTest : public testing::Test {
 protected:
  LongBenchFolderTest() {
    fs::create_directories(m_folder / "data");
    fs::create_directories(m_folder / "config");
  }
  static std::string row(const json& changes = json::object()) {
    json value{{"input", "Who?"},
               {"context", "A long text."},
               {"answers", {"Emma", "Jane"}},
               {"length", 3},
               {"all_classes", nullptr}};
    value.update(changes);
    return value.dump() + "\n";
  }
  void set(const std::string& name, const std::string& rows) const { m_folder.write("data/" + name + ".jsonl", rows); }
  void templates(const json& values) const { m_folder.write("config/dataset2prompt.json", values.dump()); }

  std::unique_ptr<Task> open(const LongBenchOptions& options) {
    return openTask(longBenchRequest(options, m_folder.path()),
                    {.tokenizer = m_tokenizer, .folder = m_folder.path(), .name = "m", .positions = 4096}, m_warnings);
  }
  std::string errorOf(const std::string& sets) {
    return messageOf([&] { (void)open(optionsFor(sets)); });
  }

  test::ScratchFolder m_folder;
  text::Tokenizer m_tokenizer = tokenizerOf("gpt2");
  Warnings m_warnings;
};

TEST_F(LongBenchFolderTest, CanBeRebuiltFromItsSettings) {
  set("qasper", row() + row({{"answers", {"no one"}}}));
  set("trec", row({{"all_classes", {"Emma", "Jane"}}}));
  const auto task = open(optionsFor());
  EXPECT_THAT(m_warnings.text, HasSubstr("leaves out narrativeqa"));
  EXPECT_THAT(m_warnings.text, HasSubstr("plain templates"));
  const json settings = task->settings();
  EXPECT_EQ(settings.at("templates"), "KVAtlas");
  const TaskRequest request{.name = "longbench", .values = settings, .sources = {{kDataSource, {m_folder.path()}}}};
  const auto again =
      openTask(request, {.tokenizer = m_tokenizer, .folder = m_folder.path(), .positions = 4096}, silentProgress());
  EXPECT_EQ(again->settings(), settings);
  EXPECT_EQ(sourcesOf("longbench", settings), std::vector<std::string>{"data"});
  const auto cases = results::planOfTask(settings).cases();
  ASSERT_EQ(cases.size(), 3U);
  EXPECT_EQ(cases.front().id, "qasper-0");
  const EvaluationPrompt prompt = task->prompt(cases.front());
  EXPECT_EQ(prompt.prepared.text, "A long text.\n\nQuestion: Who?\nAnswer:");
  EXPECT_EQ(prompt.most_new_tokens, 128U);
  EXPECT_EQ(prompt.expected, "Emma");
  EXPECT_EQ(prompt.also_right, std::vector<std::string>{"Jane"});
  ASSERT_EQ(prompt.prepared.spans.size(), 1U);
  EXPECT_EQ(m_tokenizer.decode(std::span(prompt.prepared.ids)
                                   .subspan(prompt.prepared.spans[0].begin,
                                            prompt.prepared.spans[0].end - prompt.prepared.spans[0].begin)),
            " Who?");
  EXPECT_EQ(task->scores(cases.front(), "jane").at("f1"), 1);
  EXPECT_EQ(task->scores(cases.back(), "Emma\nJane").at("classification"), 1) << "only the first line counts";
  EXPECT_FALSE(task->prompt(cases.back()).finished) << "the model's own end tokens";
}

TEST_F(LongBenchFolderTest, ExtendedRowsStandInBuckets) {
  set("qasper_e", row({{"length", 9000}}) + row() + row({{"length", 4000}}) + row({{"length", 3999}}));
  LongBenchOptions options{.extended = true};
  chooseSets("all", options);
  EXPECT_EQ(options.sets.size(), 13U);
  const auto cases = results::planOfTask(open(options)->settings()).cases();
  std::vector<std::string> ids;
  for (const Case& one : cases) ids.push_back(one.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"qasper_e-0-4k-1", "qasper_e-0-4k-3", "qasper_e-4-8k-2", "qasper_e-8k+-0"}));
}

TEST_F(LongBenchFolderTest, SamsumEndsAtALineBreak) {
  set("samsum", row());
  const auto task = open(optionsFor("samsum"));
  const auto rule = task->prompt(results::planOfTask(task->settings()).cases().front()).finished;
  EXPECT_TRUE(rule(m_tokenizer.encode("a b\n", false).ids));
  EXPECT_FALSE(rule(m_tokenizer.encode("a\nb", false).ids));
}

TEST_F(LongBenchFolderTest, NamesWhatIsWrong) {
  EXPECT_THAT(errorOf("all"), HasSubstr("such as data/narrativeqa.jsonl"));
  EXPECT_THAT(errorOf("qasper"), HasSubstr("contains no qasper.jsonl"));
  EXPECT_THAT(errorOf("qaspar"), HasSubstr("--sets qaspar: unknown, did you mean 'qasper'"));
  set("qasper", "");
  EXPECT_THAT(errorOf("qasper"), HasSubstr("qasper.jsonl: contains no rows"));
  set("qasper", row() + row().substr(0, 40));
  EXPECT_THAT(errorOf("qasper"), HasSubstr("qasper.jsonl:2: not valid JSON"));
  set("qasper", row({{"answers", json::array()}}));
  EXPECT_THAT(errorOf("qasper"), HasSubstr("qasper.jsonl:1: field 'answers': expected at least one"));
  set("qasper", row({{"context", 3.5}}));
  EXPECT_THAT(errorOf("qasper"), HasSubstr("qasper.jsonl:1: field 'context'"));
  set("passage_retrieval_en", row());
  EXPECT_THAT(errorOf("passage_retrieval_en"), HasSubstr("names no Paragraph N"));
  set("trec", row());
  EXPECT_THAT(errorOf("trec"), HasSubstr("'all_classes'"));
  set("hotpotqa", row());
  templates({{"qasper", "{context}"}});
  EXPECT_THAT(errorOf("hotpotqa"), HasSubstr("config/dataset2prompt.json: field 'hotpotqa'"));
  templates({{"hotpotqa", "no place"}});
  EXPECT_THAT(errorOf("hotpotqa"), HasSubstr("a template with {context}"));
  templates({{"hotpotqa", "{context} {unknown}"}});
  EXPECT_THAT(errorOf("hotpotqa"), HasSubstr("hotpotqa.jsonl:1: field 'unknown'"));
  EXPECT_THAT(messageOf([] { (void)optionsFor("hotpotqa,"); }), HasSubstr("--sets : unknown"));
}

}  // namespace
}  // namespace kvatlas::evaluation
