#include "app/trainer/tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/error.h"

namespace kvatlas::trainer {
namespace {

class Tasks : public testing::Test {
 protected:
  static text::Tokenizer bundledTokenizer() {
    return text::Tokenizer::load(KVATLAS_SOURCE_DIR "/resources/models/tiny-llama");
  }
  static Passages sample(const text::Tokenizer& tokenizer) {
    const std::vector<TextFile> texts = readTexts(KVATLAS_SOURCE_DIR "/resources/samples");
    return encodeTexts(texts, tokenizer);
  }
  [[nodiscard]] std::string text(std::span<const TokenId> ids) const { return tokenizer.decode(ids, true); }

  text::Tokenizer tokenizer = bundledTokenizer();
  Passages passages = sample(tokenizer);
  TaskMaker tasks{passages, tokenizer, 4};
};

TEST_F(Tasks, RowsAreFullLengthAndTheSameEveryTime) {
  const Stage stage{.sequence = 256, .batch = 12, .repeats = 0.3, .text = 0.3, .most_facts = 5};
  const auto first = tasks.batch(stage, 17), second = tasks.batch(stage, 17), other = tasks.batch(stage, 18);
  for (std::size_t i = 0; i < first.size(); ++i) {
    ASSERT_EQ(first[i].ids.size(), 257U);
    ASSERT_EQ(first[i].roles.size(), 257U);
    EXPECT_EQ(first[i].ids[0], tokenizer.bos());
    EXPECT_EQ(first[i].ids, second[i].ids);
    EXPECT_NE(first[i].ids, other[i].ids);
  }
}

// What is trained as predictable in a repeat row must have stood there before, behind the same two tokens.
TEST_F(Tasks, RepeatsArePredictableFromWhatCameBefore) {
  const Stage stage{.sequence = 512, .batch = 8, .repeats = 1, .text = 0};
  std::size_t predictable = 0;
  for (const Row& row : tasks.batch(stage, 3)) {
    for (std::size_t t = 3; t < row.ids.size(); ++t) {
      if (row.roles[t] != Role::Repeat) continue;
      ++predictable;
      bool seen = false;
      for (std::size_t s = 2; s < t && !seen; ++s)
        seen = row.ids[s] == row.ids[t] && row.ids[s - 1] == row.ids[t - 1] && row.ids[s - 2] == row.ids[t - 2];
      EXPECT_TRUE(seen) << t;
    }
  }
  EXPECT_GT(predictable, 1000U);
}

TEST_F(Tasks, AnswersAreToldInTheTextBefore) {
  const Stage stage{.sequence = 400, .batch = 16, .repeats = 0, .text = 0, .most_facts = 4};
  std::size_t answers = 0;
  for (const Row& row : tasks.batch(stage, 9)) {
    for (std::size_t t = 1; t < row.ids.size(); ++t) {
      if (row.roles[t] != Role::Answer || row.roles[t - 1] == Role::Answer) continue;
      std::size_t end = t;
      while (end < row.ids.size() && row.roles[end] == Role::Answer) ++end;
      const std::string answer = text(std::span(row.ids).subspan(t, end - t)),
                        before = text(std::span(row.ids).first(t));
      EXPECT_TRUE(answer.ends_with(".")) << answer;
      // Lists name their facts: the value is what follows the name.
      const std::size_t comma = answer.find(',');
      const std::string first =
          comma == std::string::npos ? answer.substr(1, answer.size() - 2) : answer.substr(1, comma - 1);
      const std::string value = comma == std::string::npos ? first : first.substr(first.find_last_of(' ') + 1);
      EXPECT_NE(before.find(value), std::string::npos) << answer;
      ++answers;
    }
  }
  EXPECT_GT(answers, 16U);
}

TEST_F(Tasks, QuizzesHaveTheLengthAskedAndTheFactAtItsDepth) {
  for (const Quiz quiz : {Quiz::Completion, Quiz::Question, Quiz::TwoFacts, Quiz::FourOfForty}) {
    for (const double depth : {0.0, 0.5, 1.0}) {
      Random random(8);
      const QuizRow row = makeQuiz(passages, tokenizer, random, quiz, 1500, depth);
      ASSERT_EQ(row.ids.size(), 1500U);
      const std::string prompt = text(std::span(row.ids).first(row.answer_begin)),
                        answer = text(std::span(row.ids).subspan(row.answer_begin));
      const std::size_t digits = answer.find_first_of("0123456789");
      const std::string number = answer.substr(digits, answer.find_first_not_of("0123456789", digits) - digits);
      const std::size_t at = prompt.find(number);
      ASSERT_NE(at, std::string::npos) << prompt << " / " << answer;
      if (quiz == Quiz::Completion) {
        EXPECT_NEAR(static_cast<double>(at) / static_cast<double>(prompt.size()), depth, 0.15);
      }
    }
  }
  Random random(8);
  EXPECT_THROW((void)makeQuiz(passages, tokenizer, random, Quiz::FourOfForty, 200, 0), Error);
}

TEST_F(Tasks, PassagesBeginAtSentences) {
  for (const std::size_t at : {0UL, 100UL, 700UL}) {
    const auto window = passages.window(at, 40);
    const auto offset = static_cast<std::size_t>(window.data() - passages.ids.data());
    if (offset == 0) continue;
    const std::string before = text(std::span(passages.ids).subspan(offset - 1, 1));
    EXPECT_NE(before.find_first_of(".!?\n"), std::string::npos) << before;
  }
}

}  // namespace
}  // namespace kvatlas::trainer
