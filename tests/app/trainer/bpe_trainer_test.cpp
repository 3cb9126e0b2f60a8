#include "app/trainer/bpe_trainer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/base/files.h"
#include "core/text/tokenizer.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::trainer {
namespace {

const std::string kText =
    "the cat sat on the mat; the cat ran. The hat of the cat is on the mat, and that is that. 1234 and 12 hats\n"
    "a banana, a bandana and an anagram of banana: nab, ban, anna\n";

// The textbook algorithm: recounts every pair in every word before each merge. Words are split by hand.
std::vector<std::pair<std::string, std::string>> naiveMerges(const std::vector<std::vector<std::string>>& words,
                                                             std::size_t count) {
  auto pieces = words;
  std::vector<std::string> known;
  for (int byte = 0; byte < 256; ++byte) known.emplace_back(1, static_cast<char>(byte));
  const auto idOf = [&](const std::string& piece) { return std::ranges::find(known, piece) - known.begin(); };
  std::vector<std::pair<std::string, std::string>> merges;
  while (merges.size() < count) {
    std::map<std::pair<long, long>, int> counts;
    for (const auto& word : pieces)
      for (std::size_t i = 0; i + 1 < word.size(); ++i) ++counts[{idOf(word[i]), idOf(word[i + 1])}];
    std::pair<long, long> best{};
    int most = 1;
    for (const auto& [pair, n] : counts)
      if (n > most) best = pair, most = n;
    if (most < 2) break;
    const std::string left = known[static_cast<std::size_t>(best.first)],
                      right = known[static_cast<std::size_t>(best.second)];
    merges.emplace_back(left, right);
    if (std::ranges::find(known, left + right) == known.end()) known.push_back(left + right);
    for (auto& word : pieces) {
      std::vector<std::string> merged;
      for (std::size_t i = 0; i < word.size(); ++i) {
        const bool here = i + 1 < word.size() && word[i] == left && word[i + 1] == right;
        merged.push_back(here ? left + right : word[i]);
        i += here ? 1 : 0;
      }
      word = merged;
    }
  }
  return merges;
}

TEST(BytePairs, MergesAreThoseOfTheTextbookAlgorithm) {
  const std::string text = "low low low lower lower newest newest newest widest widest";
  std::vector<std::vector<std::string>> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at + 1), text.size());
    std::vector<std::string> letters;
    for (; at < end; ++at) letters.emplace_back(1, text[at]);
    words.push_back(letters);
  }
  const BytePairs pairs = learnBytePairs(std::vector{text}, 259 + 12);
  EXPECT_EQ(pairs.merges, naiveMerges(words, 12));
}

TEST(BytePairs, NeverMoreThanAskedAndNothingThatOccursOnce) {
  EXPECT_EQ(learnBytePairs(std::vector{kText}, 270).pieces.size(), 270U);
  const BytePairs none = learnBytePairs(std::vector<std::string>{"abc"}, 1000);
  EXPECT_EQ(none.pieces.size(), 259U);
  EXPECT_TRUE(none.merges.empty());
}

TEST(BytePairs, PiecesAreDistinctAndDigitsStandAlone) {
  const BytePairs pairs = learnBytePairs(std::vector{kText, kText + "1234 1234 1234"}, 400);
  EXPECT_EQ(std::set<std::string>(pairs.pieces.begin(), pairs.pieces.end()).size(), pairs.pieces.size());
  for (const std::string& piece : pairs.pieces) {
    if (piece.size() > 1) {
      EXPECT_EQ(piece.find_first_of("0123456789"), std::string::npos) << piece;
    }
  }
}

TEST(BytePairs, TheWrittenTokenizerReadsAnyTextBack) {
  const test::ScratchFolder folder;
  writeTokenizer(learnBytePairs(std::vector{kText}, 330), 512, folder.path());
  const text::Tokenizer tokenizer = text::Tokenizer::load(folder.path());
  EXPECT_EQ(tokenizer.bos(), TokenId{0});
  for (const std::string& text :
       {kText, std::string("Ünïcode – “quotes” \t\n\n  spaces, 0987 and </s>"), std::string()}) {
    const text::Encoding encoding = tokenizer.encode(text);
    EXPECT_EQ(encoding.ids.at(0), TokenId{0});
    EXPECT_EQ(tokenizer.decode(encoding.ids, true), text == "" ? ""
                                                    : text.find("</s>") == std::string::npos
                                                        ? text
                                                        : text.substr(0, text.size() - 4));
  }
  EXPECT_LT(tokenizer.encode(kText).ids.size(), kText.size() * 2 / 3);
}

}  // namespace
}  // namespace kvatlas::trainer
