#include "core/evaluation/facts.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace kvatlas::evaluation {
namespace {

std::vector<Fact> many(Split split, FactKind kind, std::size_t count) {
  Random random(7, {static_cast<std::uint64_t>(split), static_cast<std::uint64_t>(kind)});
  std::vector<Fact> facts;
  for (std::size_t i = 0; i < count; ++i) facts.push_back(makeFact(random, {kind, split}));
  return facts;
}

// The reference implementation of the published algorithm, seed 1234567.
TEST(Random, IsSplitMix64) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ULL);
  EXPECT_EQ(random.next(), 3203168211198807973ULL);
  EXPECT_EQ(random.next(), 9817491932198370423ULL);
}

TEST(Random, BelowReachesEveryValueAndNoOther) {
  Random random(3);
  std::set<std::size_t> seen;
  for (int i = 0; i < 400; ++i) seen.insert(random.below(7));
  EXPECT_EQ(seen, (std::set<std::size_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(Facts, SameSeedSameFacts) {
  const auto first = many(Split::HeldOut, FactKind::Words, 20), second = many(Split::HeldOut, FactKind::Words, 20);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(tell(first[i]), tell(second[i]));
}

TEST(Facts, SplitsShareNoNameAndNoAttribute) {
  for (const FactKind kind : {FactKind::Number, FactKind::Words}) {
    std::set<std::string> names, attributes;
    for (const Fact& fact : many(Split::Training, kind, 3000))
      names.insert(fact.name), attributes.insert(fact.attribute);
    EXPECT_GT(names.size(), 500U);
    for (const Fact& fact : many(Split::HeldOut, kind, 3000)) {
      EXPECT_FALSE(names.contains(fact.name)) << fact.name;
      EXPECT_FALSE(attributes.contains(fact.attribute)) << fact.attribute;
    }
  }
}

TEST(Facts, NumbersHaveFourToSixDigitsAndOccurInTheirSentence) {
  for (const Fact& fact : many(Split::Training, FactKind::Number, 300)) {
    EXPECT_TRUE(std::regex_match(fact.value, std::regex("[0-9]{4,6}"))) << fact.value;
    for (std::size_t i = 0; i < kTellings; ++i) {
      const std::string text = tell(fact, static_cast<Telling>(i));
      EXPECT_NE(text.find(fact.name), std::string::npos) << text;
      EXPECT_TRUE(text.ends_with(fact.value + ".")) << text;
    }
  }
}

TEST(Facts, TakenNamesAreNotReused) {
  Random random(11);
  std::vector<Fact> facts;
  for (int i = 0; i < 200; ++i) facts.push_back(makeFact(random, {FactKind::Number, Split::HeldOut}, facts));
  std::set<std::string> names;
  for (const Fact& fact : facts) names.insert(fact.name);
  EXPECT_EQ(names.size(), facts.size());
}

TEST(Facts, DistractorsDifferInOneHalfAndInTheirValue) {
  Random random(5);
  const Fact fact = makeFact(random, {FactKind::Number, Split::HeldOut});
  const Fact same_name = makeDistractor(random, fact, Split::HeldOut, true);
  EXPECT_EQ(same_name.name, fact.name);
  EXPECT_NE(same_name.attribute, fact.attribute);
  EXPECT_NE(same_name.value, fact.value);
  const Fact other_name = makeDistractor(random, fact, Split::HeldOut, false);
  EXPECT_EQ(other_name.attribute, fact.attribute);
  EXPECT_NE(other_name.name, fact.name);
  EXPECT_NE(other_name.value, fact.value);
}

TEST(Facts, QuestionsReadAsWritten) {
  const Fact boston{FactKind::Number, "secret number", "Boston", "48213"};
  const Fact lyme{FactKind::Words, "best thing to do", "Lyme", "walk along the sea"};
  EXPECT_EQ(tell(boston), "The secret number of Boston is 48213.");
  EXPECT_EQ(ask(boston), "\nQuestion: The secret number of Boston is");
  EXPECT_EQ(ask(lyme, Asking::Question), "\nQuestion: What is the best thing to do in Lyme?\nAnswer:");
  const std::vector<Fact> both{boston, lyme};
  EXPECT_EQ(askAll(both), "\nQuestion: What is the secret number of Boston and the best thing to do in Lyme?\nAnswer:");
  EXPECT_EQ(answerAll(both), " Boston 48213, Lyme walk along the sea.");
}

}  // namespace
}  // namespace kvatlas::evaluation
