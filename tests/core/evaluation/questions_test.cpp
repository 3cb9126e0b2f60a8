// A file of questions as a task: contexts are shared, every row has its own metric, damaged rows are named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/evaluation/questions/questions_task.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using results::Case;
using testing::HasSubstr;

class Questions : public testing::Test {
 protected:
  std::unique_ptr<Task> open(const std::string& rows, const QuestionOptions& options = {}) {
    const TaskRequest request = questionsRequest(options, m_folder.write("rows.jsonl", rows));
    return openTask(request, {.tokenizer = m_tokenizer, .name = "m", .positions = 400}, silentProgress());
  }
  std::string errorOf(const std::string& rows, const QuestionOptions& options = {}) {
    try {
      (void)open(rows, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  test::ScratchFolder m_folder;
  text::Tokenizer m_tokenizer = text::Tokenizer::load(fs::path(KVATLAS_TEST_DATA) / "tokenizers/gpt2");
};

// The cut of a context and what its prompts share are worked out once: for each prompt anew, this would take hours.
TEST_F(Questions, OfOneContextMayBeMany) {
  json row{{"context", "Anne saw the sea."}}, other = row;
  for (int i = 0; i < 3000; ++i)
    row["questions"].push_back({{"question", fmt::format("Who was {}?", i)}, {"answer", "Anne"}});
  other["context"] = "Anne saw the land.";
  other["questions"] = json::array({row["questions"][0], row["questions"][1]});
  const auto task = open(row.dump() + "\n" + other.dump() + "\n");
  const auto cases = results::planOfTask(task->settings()).cases();
  ASSERT_EQ(cases.size(), 3002U);
  const EvaluationPrompt first = task->prompt(cases[0]), last = task->prompt(cases[2999]),
                         behind = task->prompt(cases[3001]);
  EXPECT_GT(first.context_tokens, 8U);
  EXPECT_EQ(last.context_tokens, first.context_tokens);
  EXPECT_TRUE(last.prepared.text.ends_with("Who was 2999?\nAnswer:"));
  EXPECT_EQ(behind.prepared.text, "Anne saw the land.\n\nQuestion: Who was 1?\nAnswer:");
  EXPECT_EQ(task->prompt(cases[0]).prepared.ids, first.prepared.ids);  // back to a context that was left
}

TEST_F(Questions, OfOneContextShareItsTokens) {
  const auto task = open(
      R"({"context": "Anne saw the sea.", "questions": [{"question": "Who?", "answers": ["Anne"]}, {"question": "Name it?", "answer": "the sea", "metric": "string_match_all", "new_tokens": 7}]})"
      "\n"
      R"({"context": "Anne saw the sea.", "question": "When?", "answers": ["never"]})"
      "\n"
      R"({"context": "No.", "question": "When?", "answers": ["never"]})"
      "\n");
  const json settings = task->settings();
  const auto cases = results::planOfTask(settings).cases();
  ASSERT_EQ(cases.size(), 4U);
  EXPECT_EQ(cases[1].id, "c0-q1");
  EXPECT_EQ(cases[2].context, cases[0].context);
  EXPECT_NE(cases[3].context, cases[0].context);
  const EvaluationPrompt first = task->prompt(cases[0]), second = task->prompt(cases[1]);
  EXPECT_EQ(first.prepared.text, "Anne saw the sea.\n\nQuestion: Who?\nAnswer:");
  EXPECT_EQ(first.context_tokens, second.context_tokens);
  const std::string shared = m_tokenizer.decode(std::span(first.prepared.ids).first(first.context_tokens));
  EXPECT_THAT(shared, HasSubstr("Anne saw the sea.\n\nQuestion:"));
  EXPECT_EQ(shared.find("Who"), std::string::npos);
  EXPECT_EQ(second.most_new_tokens, 7U);
  EXPECT_EQ(task->mainScore(cases[1]), "string_match_all");
  EXPECT_EQ(task->scores(cases[1], "It was The Sea!").at("string_match_all"), 1);
  EXPECT_EQ(task->scores(cases[0], "the Anne").at("f1"), 1);
  const TaskRequest request{
      .name = kQuestionsTask, .values = settings, .sources = {{kDataSource, {m_folder / "rows.jsonl"}}}};
  EXPECT_EQ(openTask(request, {.tokenizer = m_tokenizer, .positions = 400}, silentProgress())->settings(), settings);
}

TEST_F(Questions, ALongContextIsCutInTheMiddle) {
  std::string context = "Begin.";
  for (int i = 0; i < 400; ++i) context += " word";
  const auto task =
      open(json{{"context", context + " End."}, {"question", "Who?"}, {"answers", {"x"}}}.dump(), {.new_tokens = 50});
  const EvaluationPrompt prompt = task->prompt(results::planOfTask(task->settings()).cases().front());
  EXPECT_LE(prompt.prepared.ids.size(), 350U);
  EXPECT_GE(prompt.prepared.ids.size(), 345U);
  EXPECT_THAT(prompt.prepared.text, HasSubstr("Begin. word"));
  EXPECT_THAT(prompt.prepared.text, HasSubstr("word End.\n\nQuestion: Who?"));
}

TEST_F(Questions, NameWhatIsWrong) {
  const std::string row = R"({"context": "c", "question": "q", "answers": ["a"]})";
  EXPECT_THAT(errorOf(""), HasSubstr("contains no rows"));
  EXPECT_THAT(errorOf(row + "\n{\"context\": "), HasSubstr("rows.jsonl:2: not valid JSON"));
  EXPECT_THAT(errorOf(R"({"question": "q", "answers": ["a"]})"), HasSubstr("rows.jsonl:1: field 'context'"));
  EXPECT_THAT(errorOf(R"({"context": "c", "questions": [{"question": "q"}]})"),
              HasSubstr("questions[0]: field 'answer'"));
  EXPECT_THAT(errorOf(R"({"context": "c", "questions": []})"), HasSubstr("at least one question"));
  EXPECT_THAT(errorOf(R"({"context": "c", "question": "q", "answers": ["a"], "metric": "f9"})"),
              HasSubstr("rows.jsonl:1: field 'metric'"));
  EXPECT_THAT(errorOf(row + "\n" + R"({"context": "c", "question": "q", "answers": ["a"], "set": "s"})"),
              HasSubstr("'set' must be in every row or in none"));
  EXPECT_THAT(errorOf(row, {.metric = "nothing"}), HasSubstr("metric 'nothing': unknown"));
  EXPECT_THAT(errorOf(row, {.prompt_template = "{question}{context}"}), HasSubstr("--template"));
}

}  // namespace
}  // namespace kvatlas::evaluation
