// The prompt of a case in two parts: its context, and the question behind it.
#include "core/evaluation/question_split.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvatlas::evaluation {
namespace {

text::PreparedPrompt prompt() {
  return {.ids = {7, 8, 9, 10, 11},
          .text = "ab cd? ef",
          .offsets = {0, 1, 2, 6, 7, 9},
          .spans = {{1, 2, "needle"}, {3, 5, "question"}},
          .chat = "auto"};
}

TEST(QuestionSplit, theQuestionAndWhatFollowsItLeaveTheContext) {
  const text::PreparedPrompt split = splitAtQuestion(prompt(), "case");
  EXPECT_EQ(split.ids, (std::vector<TokenId>{7, 8, 9}));
  EXPECT_EQ(split.text, "ab cd?");
  EXPECT_EQ(split.offsets, (std::vector<std::uint64_t>{0, 1, 2, 6}));
  EXPECT_EQ(split.chat, "auto");
  ASSERT_EQ(split.spans.size(), 1U);
  EXPECT_EQ(split.spans[0].name, "needle");
  ASSERT_EQ(split.questions.size(), 1U);
  EXPECT_EQ(split.questions[0].ids, (std::vector<TokenId>{10, 11}));
  EXPECT_EQ(split.questions[0].text, " ef");
  EXPECT_EQ(split.questions[0].offsets, (std::vector<std::uint64_t>{0, 1, 3}));
}

TEST(QuestionSplit, aPromptWithoutAMarkedQuestionIsNamed) {
  text::PreparedPrompt without = prompt();
  without.spans.pop_back();
  try {
    (void)splitAtQuestion(without, "L512-D0");
    FAIL();
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("L512-D0: ")) << error.what();
  }
  without.spans = {{0, 5, "question"}};
  EXPECT_THROW((void)splitAtQuestion(without, "case"), Error) << "no context before it";
}

}  // namespace
}  // namespace kvatlas::evaluation
