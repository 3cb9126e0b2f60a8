// The haystack: its files, their order, and where sentences end.
#include "core/evaluation/haystack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::evaluation {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const text::Tokenizer& tokenizer() {
  static const text::Tokenizer loaded =
      text::Tokenizer::load(fs::path(KVATLAS_SOURCE_DIR) / "resources/models/tiny-llama");
  return loaded;
}

std::string messageOf(const fs::path& path) {
  try {
    (void)readHaystack(std::vector{path});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(HaystackText, FoldersAreTheirTextFilesByName) {
  const test::ScratchFolder folder;
  (void)folder.write("b.txt", "second ");
  (void)folder.write("a.txt", "first ");
  (void)folder.write("c.md", "not this ");
  const fs::path third = folder.write("z.text", "third");
  const HaystackText haystack = readHaystack(std::vector{folder.path(), third});
  EXPECT_EQ(haystack.text, "first second third");
  EXPECT_THAT(haystack.name, HasSubstr("and 1 more"));
  EXPECT_EQ(haystack.sha256, readHaystack(std::vector{folder.path() / "a.txt", folder.path() / "b.txt", third}).sha256);
  EXPECT_EQ(readHaystack(std::vector{folder.path() / ""}).name, folder.path().filename().string());
}

TEST(HaystackText, UnreadablePathsAreNamed) {
  const test::ScratchFolder folder;
  EXPECT_THAT(messageOf(folder.path()), testing::AllOf(HasSubstr(folder.path().string()), HasSubstr("*.txt")));
  EXPECT_THAT(messageOf(folder / "absent.txt"), HasSubstr("absent.txt"));
  EXPECT_THAT(messageOf(folder.write("blank.txt", " \n\t")), HasSubstr("empty"));
  EXPECT_THROW((void)readHaystack({}), UsageError);
}

TEST(Sentences, EndAfterPunctuationAndClosingQuotes) {
  const std::string text = "He came. \"Did he?\" she said (at last!) to Mr. Elliot. It cost 3.50, J. Smith said.";
  std::vector<std::string> ends;  // the text before each end, from the last blank
  for (std::size_t at = 0; at <= text.size(); ++at)
    if (endsSentence(text, at) && (at == 0 || text[at - 1] != ' ')) ends.push_back(text.substr(0, at));
  ASSERT_EQ(ends.size(), 5U);
  for (const auto& [i, tail] : {std::pair{0, "came."}, {1, "he?\""}, {2, "last!)"}, {3, "Elliot."}, {4, "said."}})
    EXPECT_TRUE(ends[static_cast<std::size_t>(i)].ends_with(tail)) << ends[static_cast<std::size_t>(i)];
  EXPECT_TRUE(endsSentence("One.\n\nTwo", 6));   // after the white space
  EXPECT_FALSE(endsSentence("One.\n\nTwo", 7));  // within a word
  EXPECT_FALSE(endsSentence("Mrs. Clay", 4));
  EXPECT_TRUE(endsSentence("It was I. She left.", 9));   // no initial, though one letter
  EXPECT_FALSE(endsSentence("It was J. She left.", 9));  // an initial
}

// Takes minutes if each call scans the whole run.
TEST(Sentences, LongRunsOfBlanksTakeLinearTime) {
  const std::string text = "One." + std::string(std::size_t{1} << 20, ' ') + "Two.";
  const auto begun = std::chrono::steady_clock::now();
  std::size_t ends = 0;
  for (std::size_t at = 0; at <= text.size(); at += 2) ends += endsSentence(text, at) ? 1 : 0;
  EXPECT_GT(ends, 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

TEST(Haystack, ListsTheTokensThatEndSentences) {
  const HaystackText text{.name = "text", .text = "It was late. They went home! Nobody spoke"};
  const Haystack haystack(text, tokenizer());
  std::string parts;
  TokenIndex before = 0;
  for (const TokenIndex end : haystack.sentenceEnds()) {
    parts += tokenizer().decode(haystack.ids().subspan(before, end - before)) + "|";
    before = end;
  }
  EXPECT_EQ(parts, "|It was late.| They went home!| Nobody spoke|");
  const auto ends = haystack.sentenceEnds();
  EXPECT_EQ(haystack.sentenceEndBefore(ends[2], 0), ends[2]);
  EXPECT_EQ(haystack.sentenceEndBefore(ends[2] - 1, 0), ends[1]);
  EXPECT_EQ(haystack.sentenceEndBefore(ends[1] - 1, 0), 0U);
  EXPECT_EQ(haystack.sentenceEndBefore(ends[2] - 1, ends[1] + 1), ends[1] + 1);
}

TEST(Haystack, KnowsSentenceEndsOfOtherScripts) {
  const std::string text = "这是一个句子。「真的吗？」他说！";
  std::vector<std::string> ends;
  for (std::size_t at = 1; at <= text.size(); ++at)
    if (endsSentence(text, at)) ends.push_back(text.substr(0, at));
  EXPECT_EQ(ends, (std::vector<std::string>{"这是一个句子。", "这是一个句子。「真的吗？」", text}));
  EXPECT_TRUE(endsSentence("वह घर गया। फिर", std::string("वह घर गया।").size()));
}

TEST(Haystack, WithoutSentencesThePlaceIsWhereThePercentageSays) {
  std::string list;
  for (int i = 0; i < 2000; ++i) list += "item, ";
  const Haystack haystack({.name = "list", .text = list}, tokenizer());
  EXPECT_EQ(haystack.placeBefore(1000, 100, 1500), 1000U);
  EXPECT_EQ(haystack.placeBefore(300, 100, 1500), 300U);
  const Haystack ended({.name = "list", .text = list + "end. " + list}, tokenizer());
  const TokenIndex end = ended.sentenceEnds()[1];
  EXPECT_EQ(ended.placeBefore(end + 200, end - 100, 1500), end) << "within the length of a long sentence";
  EXPECT_EQ(ended.placeBefore(end - 50, end - 100, 1500), end - 100) << "the passage has a sentence end";
  EXPECT_EQ(ended.placeBefore(end + 300, end - 100, 1500), end + 300);
  std::string chinese;
  for (int i = 0; i < 800; ++i) chinese += "漢字";
  const Haystack characters({.name = "zh", .text = chinese}, tokenizer());
  for (const TokenIndex position : {601U, 602U, 603U, 604U}) {
    const TokenIndex place = characters.placeBefore(position, 0, 1000);
    EXPECT_GE(place + 4, position);
    EXPECT_EQ(tokenizer().decode(characters.ids().first(place)).find("\uFFFD"), std::string::npos)
        << "splits a character";
  }
}

TEST(Haystack, RepeatsUntilItIsLongEnough) {
  const HaystackText text{.name = "text", .text = "It was late. "};
  const std::size_t once = Haystack(text, tokenizer()).ids().size();
  const Haystack repeated(text, tokenizer(), 10 * once);
  EXPECT_GE(repeated.ids().size(), 10 * once);
  EXPECT_THAT(tokenizer().decode(repeated.ids().first(3 * once)), testing::StartsWith("It was late. It was late. It"));
}

}  // namespace
}  // namespace kvatlas::evaluation
