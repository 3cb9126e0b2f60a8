// Captures of questions: prompts as a model reads them, and the traces of several questions behind one context.
#include <gtest/gtest.h>

#include <algorithm>

#include "capture/recorder/capture.h"
#include "capture/recorder/generate.h"
#include "capture/session/prompt.h"
#include "core/base/error.h"
#include "core/trace/generated_tokens.h"
#include "core/trace/reader.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

constexpr const char* kContext = "The keeper of the lighthouse is called Edmund. He came from Lyme in the spring.";
const std::vector<std::string> kQuestions = {"Who keeps the lighthouse?", "Where did he come from, and when?"};

// Prompts of the bundled model.
std::vector<PreparedPrompt> prompts(const PromptOptions& options) {
  const std::filesystem::path model = modelFolder("tiny-llama");
  return preparePrompts(options, model, loadModelConfig(model), loadTokenizer(model));
}

PromptOptions questions(Compress compress) {
  return {.text = kContext, .questions = kQuestions, .compress = compress};
}

TEST(QuestionPrompts, theContextIsTheSameForEveryQuestionAndInBothSettings) {
  const auto joined = prompts(questions(Compress::Prompt)), apart = prompts(questions(Compress::Context));
  ASSERT_EQ(joined.size(), 2U);
  ASSERT_EQ(apart.size(), 1U);
  EXPECT_EQ(apart.front().text, std::string(kContext) + "\n");
  EXPECT_EQ(apart.front().ids, prompts({.text = std::string(kContext) + "\n"}).front().ids);
  ASSERT_EQ(apart.front().questions.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const text::PreparedQuestion& question = apart.front().questions[i];
    EXPECT_EQ(question.text, kQuestions[i]);
    EXPECT_EQ(question.offsets.size(), question.ids.size() + 1);
    EXPECT_EQ(question.offsets.back(), question.text.size());
    std::vector<TokenId> both = apart.front().ids;
    both.insert(both.end(), question.ids.begin(), question.ids.end());
    EXPECT_EQ(joined[i].ids, both);
    EXPECT_EQ(joined[i].text, apart.front().text + kQuestions[i]);
    EXPECT_EQ(joined[i].offsets.back(), joined[i].text.size());
    ASSERT_EQ(joined[i].spans.size(), 1U);
    EXPECT_EQ(joined[i].spans[0].name, "question");
    EXPECT_EQ(joined[i].spans[0].begin, apart.front().ids.size());
    EXPECT_EQ(joined[i].spans[0].end, both.size());
  }
}

TEST(QuestionPrompts, inAChatTheQuestionEndsTheUsersTurn) {
  PromptOptions options = questions(Compress::Context);
  options.chat = "llama2";
  const PreparedPrompt prompt = prompts(options).front();
  EXPECT_EQ(prompt.text, "<s>[INST] " + std::string(kContext) + "\n");
  EXPECT_EQ(prompt.questions[0].text, kQuestions[0] + " [/INST]");
  options.questions.clear();
  options.compress = Compress::Prompt;
  options.text = std::string(kContext) + "\n" + kQuestions[0];
  EXPECT_EQ(prompts(options).front().text, prompt.text + prompt.questions[0].text) << "the same turn in one piece";
}

CaptureOptions capture(const ScratchFolder& scratch, Compress compress) {
  CaptureOptions options{.output = scratch.path() / "out.kva.h5", .map_size = 16, .quiet = true};
  options.session = {.model = modelFolder("tiny-llama"),
                     .prompt = questions(compress),
                     .window = 4,
                     .max_new_tokens = 6,
                     .device = "cpu",
                     .threads = 1};
  for (const char* method : {"snapkv", "h2o:every=1", "streamingllm:every=2"})
    options.session.methods.push_back(policy::parseMethod(method));
  options.session.budgets = {policy::parseBudget("8")};
  return options;
}

std::vector<std::string> problemsOf(const std::filesystem::path& trace) {
  std::vector<std::string> problems;
  for (const trace::Finding& one : trace::validate(trace)) problems.push_back(one.member + ": " + one.problem);
  return problems;
}

TEST(QuestionCapture, questionsShareTheContextsSignalsAndDecisions) {
  const ScratchFolder scratch;
  const std::vector<CaptureSummary> summaries = runCaptures(capture(scratch, Compress::Context), {});
  ASSERT_EQ(summaries.size(), 2U);
  std::vector<trace::Reader> readers;
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(summaries[i].output.filename(), i == 0 ? "out-q1.kva.h5" : "out-q2.kva.h5");
    EXPECT_EQ(summaries[i].question, kQuestions[i]);
    EXPECT_EQ(problemsOf(summaries[i].output), std::vector<std::string>());
    readers.emplace_back(summaries[i].output);
    const trace::Prompt& prompt = readers[i].header().prompt;
    EXPECT_EQ(prompt.question.text, kQuestions[i]);
    EXPECT_EQ(summaries[i].question_tokens, prompt.question.ids.size());
    EXPECT_EQ(summaries[i].tokens, readers[i].tokens());
    EXPECT_EQ(trace::questionText(prompt, 0), kQuestions[i].substr(0, prompt.question.offsets[1]));
  }
  EXPECT_EQ(readers[0].header().prompt.ids, readers[1].header().prompt.ids);
  const std::uint64_t context = readers[0].tokens();
  for (std::size_t run = 0; run < 4; ++run) {
    const auto first = readers[0].run(run), second = readers[1].run(run);
    EXPECT_EQ(first->kept_positions, second->kept_positions);
    EXPECT_EQ(first->capacity, second->capacity);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto record = readers[i].run(run);
      const std::uint64_t question = readers[i].header().prompt.question.ids.size();
      if (run > 1) {
        EXPECT_FALSE(record->evicted.empty());
        const std::uint64_t token = record->cache_bytes / record->keptTokens() * record->capacity.size();
        EXPECT_EQ(record->step_bytes.front(), record->cache_bytes + question * token);
      }
      const auto attended = readers[i].attended(run, LayerIndex(1));
      const auto asked = readers[i].questionAttended(run, LayerIndex(1));
      ASSERT_TRUE(attended && asked);
      ASSERT_EQ(asked->steps(), question);
      const auto last = static_cast<std::ptrdiff_t>(asked->at(question - 1, 0));
      EXPECT_TRUE(std::equal(asked->positions.begin() + last, asked->positions.end(), attended->positions.begin()))
          << "step 0 is the question's last token";
      EXPECT_TRUE(
          std::ranges::any_of(asked->positions, [&](TokenIndex p) { return p >= context && p != trace::kNoToken; }));
    }
  }
  const auto received = readers[0].signal(LayerIndex(0), Signal::Received);
  EXPECT_EQ(received, readers[1].signal(LayerIndex(0), Signal::Received));
  EXPECT_EQ(received->size(), context * readers[0].header().model.query_heads);
}

TEST(QuestionCapture, withThePromptEachQuestionHasItsOwnDecision) {
  const ScratchFolder scratch;
  CaptureOptions options = capture(scratch, Compress::Prompt);
  const std::vector<CaptureSummary> summaries = runCaptures(options, {});
  ASSERT_EQ(summaries.size(), 2U);
  for (const CaptureSummary& summary : summaries) {
    EXPECT_EQ(problemsOf(summary.output), std::vector<std::string>());
    const trace::Reader reader(summary.output);
    EXPECT_TRUE(reader.header().prompt.question.ids.empty());
    EXPECT_EQ(reader.header().prompt.spans.front().name, "question");
  }
  EXPECT_NE(trace::Reader(summaries[0].output).run(1)->kept_positions,
            trace::Reader(summaries[1].output).run(1)->kept_positions);
  options.session.max_new_tokens = 0;
  options.session.prompt = questions(Compress::Context);
  options.replace = true;
  for (const CaptureSummary& summary : runCaptures(options, {}))
    EXPECT_EQ(problemsOf(summary.output), std::vector<std::string>()) << "nothing generated";
}

TEST(QuestionCapture, generateAnswersEveryQuestionFromOnePrefill) {
  const ScratchFolder scratch;
  const GenerateSummary summary = runGenerate(capture(scratch, Compress::Context).session, {});
  ASSERT_EQ(summary.runs.size(), 8U);
  EXPECT_EQ(summary.runs[3].question, kQuestions[0]);
  EXPECT_EQ(summary.runs[4].question, kQuestions[1]);
  EXPECT_EQ(summary.runs[4].label, "full");
}

}  // namespace
}  // namespace kvatlas::capture::test
