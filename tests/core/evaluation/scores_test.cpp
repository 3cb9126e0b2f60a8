// Scores against hand-made examples, the published numbers, and NLTK and rouge_score (tests/data/scores).
#include "core/evaluation/scores.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/evaluation/plan.h"
#include "core/evaluation/porter.h"

namespace kvatlas::evaluation {
namespace {

nlohmann::json goldens() {
  return readJsonFile(std::filesystem::path(KVATLAS_TEST_DATA) / "scores/rouge.json");
}

const RightAnswer kNumber{.values = {"48213"}, .text = "48213.", .needle = "The secret number of Emma is 48213."};
const RightAnswer kBoth{.values = {"48213", "771"}, .text = " Emma 48213, Boston 771.", .needle = ""};

TEST(Porter, StemsLikeNltk) {
  const auto stems = goldens().at("stems");
  EXPECT_GT(stems.size(), 5000U);
  for (const auto& [word, stem] : stems.items()) EXPECT_EQ(porterStem(word), stem.get<std::string>()) << word;
}

TEST(Scores, RougeMatchesRougeScore) {
  const auto pairs = goldens().at("rouge");
  EXPECT_GT(pairs.size(), 60U);
  for (const auto& pair : pairs)
    EXPECT_NEAR(rouge1(pair.at("answer").get<std::string>(), pair.at("reference").get<std::string>()),
                pair.at("f").get<double>(), 1e-12)
        << pair;
}

// The published run's best possible scores: 12 of the needle's 21 words, and all 11 words of the heat map.
TEST(Scores, PublishedScoresOfThePerfectCompletion) {
  const PromptPlan paper = paperPlan();
  EXPECT_NEAR(10 * rouge1(paper.answer, paper.needle), 7.27, 0.005);
  EXPECT_EQ(wordOverlap(paper.answer, paper.answer), 1);
  EXPECT_NEAR(wordOverlap("Eat a sandwich and sit in Dolores Park on a sunny day", paper.answer), 10.0 / 11, 1e-12);
  EXPECT_EQ(wordOverlap("", paper.answer), 0);
}

TEST(Scores, ExactIgnoresSpaceAndFullStopOnly) {
  for (const char* right : {"48213", "48213.", " 48213 . "}) EXPECT_EQ(exactMatch(right, kNumber), 1) << right;
  for (const char* wrong : {"", ".", "4821", "482130", "4 8213", "The number is 48213."})
    EXPECT_EQ(exactMatch(wrong, kNumber), 0) << wrong;
}

TEST(Scores, SubstringIsTheShareOfWholeValues) {
  EXPECT_EQ(substringMatch("The number is 48213!", kNumber), 1);
  EXPECT_EQ(substringMatch("482130 148213", kNumber), 0);
  EXPECT_EQ(substringMatch("482130, 48213", kNumber), 1);
  EXPECT_EQ(substringMatch("Emma 771", kBoth), 0.5);
  EXPECT_EQ(substringMatch("Boston 771, Emma 48213", kBoth), 1);
  EXPECT_EQ(exactMatch("Boston 771, Emma 48213", kBoth), 0);
  EXPECT_EQ(exactMatch("Emma 48213, Boston 771.", kBoth), 1);
}

TEST(Scores, AnswerIsTheFirstLine) {
  EXPECT_EQ(answerOf("  48213. \nQuestion", Protocol::Exact), "48213.");
  EXPECT_EQ(answerOf("\n\n 48213", Protocol::Exact), "48213");
  EXPECT_EQ(answerOf(" 48213.\nand more\n", Protocol::Paper), "48213.\nand more");
  EXPECT_EQ(answerOf(" \n", Protocol::Exact), "");
}

TEST(Scores, AnswerIsCompleteAtTheEndOfLineOrSentence) {
  const RightAnswer decimal{.values = {"3.14"}, .text = "3.14."};
  EXPECT_FALSE(answerIsComplete(" \n", kNumber));
  EXPECT_FALSE(answerIsComplete(" 48213", kNumber));
  EXPECT_TRUE(answerIsComplete(" 48213.", kNumber));
  EXPECT_TRUE(answerIsComplete(" 48213\n", kNumber));
  EXPECT_FALSE(answerIsComplete(" 3.", decimal));
  EXPECT_TRUE(answerIsComplete(" 3.14\n", decimal));
}

TEST(Scores, AllFourAreNamed) {
  const auto scores = allScores("48213", kNumber);
  ASSERT_EQ(scores.size(), 4U);
  EXPECT_EQ(scores.at("exact"), 1);
  EXPECT_EQ(scores.at("substring"), 1);
  EXPECT_EQ(scores.at("word_overlap"), 0);  // "48213." is a different word
  EXPECT_NEAR(scores.at("rouge1_f"), 2.0 / 8, 1e-12);
  EXPECT_EQ(parseScore("rouge1_f"), Score::Rouge);
  EXPECT_THROW((void)parseScore("rouge"), UsageError);
}

}  // namespace
}  // namespace kvatlas::evaluation
