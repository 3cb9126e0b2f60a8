// The two tasks of counting words, and questions about documents.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "core/evaluation/ruler/random_words.h"
#include "core/evaluation/ruler/row_makers.h"

namespace kvatlas::evaluation {
namespace {

// Different words: of the text as far as they go, then made-up ones.
std::vector<std::string> differentWords(const TextWords& text, Random& random, std::size_t count) {
  std::vector<std::string> words = text.distinct;
  random.shuffle(words);
  words.resize(std::min(count, words.size()));
  std::set<std::string> taken(words.begin(), words.end());
  while (words.size() < count) {
    std::string word = madeUpWord(random);
    while (!taken.insert(word).second) word += randomLetters(random, 1, 'a');
    words.push_back(std::move(word));
  }
  return words;
}

// The documents with the answer, then others of the same article, then any, up to `count`.
std::vector<std::size_t> chooseDocuments(const QuestionSet& set, const DocumentQuestion& asked, Random& random,
                                         std::size_t count) {
  std::vector<std::size_t> chosen;
  std::set<std::size_t> taken;
  const auto add = [&](const std::vector<std::size_t>& documents, std::size_t most) {
    for (const std::size_t document : documents)
      if (chosen.size() < most && taken.insert(document).second) chosen.push_back(document);
  };
  add(asked.documents, set.documents.size());
  add(asked.related, count);
  std::vector<std::size_t> others(set.documents.size());
  std::iota(others.begin(), others.end(), 0);
  random.shuffle(others);
  add(others, count);
  return chosen;
}

}  // namespace

RulerText makeCommonWords(const RulerMaterial& material, Random random, const RulerRow& row) {
  constexpr std::size_t kCommon = 10, kShort = 4096;
  const std::size_t often = row.length < kShort ? 6 : 30, seldom = row.length < kShort ? 1 : 3;
  const std::vector<std::string> words = differentWords(*material.text, random, kCommon + row.units);
  RulerText made{.answers = {words.begin(), words.begin() + kCommon}};
  std::vector<std::string> list;
  for (std::size_t i = 0; i < words.size(); ++i) list.insert(list.end(), i < kCommon ? often : seldom, words[i]);
  random.shuffle(list);
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = fmt::format("{}. {}", i + 1, list[i]);
  made.context = fmt::format("{}", fmt::join(list, " "));
  made.head = "In the numbered list of words below, a few words stand more often than the others. Keep them in mind.\n";
  made.question = fmt::format("\nQuestion: Which {} words stand most often in the list above?", kCommon);
  made.answer_start = fmt::format(" Answer: The {} words that stand most often in the list are:", kCommon);
  return made;
}

// Counts follow a zeta distribution with exponent 2; the first rank is dots, the next three are asked for.
RulerText makeFrequentWords(Random random, const RulerRow& row) {
  constexpr std::size_t kLetters = 6, kAsked = 3, kLeastWords = 10, kTokensPerWord = 50;
  constexpr double kZeta2 = 1.6449340668482264;
  const std::size_t words = std::max(kLeastWords, row.length / kTokensPerWord);
  std::set<std::string> taken;
  std::vector<std::string> list;
  RulerText made;
  for (std::size_t rank = 1; rank <= words; ++rank) {
    std::string word = rank == 1 ? "...." : randomLetters(random, kLetters, 'a');
    while (!taken.insert(word).second) word = randomLetters(random, kLetters, 'a');
    const double share = 1 / (static_cast<double>(rank * rank) * kZeta2);
    list.insert(list.end(), static_cast<std::size_t>(static_cast<double>(row.units) * share), word);
    if (rank > 1 && rank <= 1 + kAsked) made.answers.push_back(word);
  }
  random.shuffle(list);
  made.context = fmt::format("{}", fmt::join(list, " "));
  made.head = "The text below is written in code words. Count how often each of them stands there.\n";
  made.question =
      "\nQuestion: Which three code words stand most often in the text above? The dots '....' do not count.";
  made.answer_start = " Answer: The three code words that stand most often in the text are:";
  return made;
}

RulerText makeDocuments(const QuestionSet& set, Random random, const RulerRow& row) {
  const DocumentQuestion& asked = set.questions[row.number % set.questions.size()];
  std::vector<std::size_t> chosen = chooseDocuments(set, asked, random, row.units);
  random.shuffle(chosen);
  RulerText made{.answers = asked.answers};
  for (std::size_t i = 0; i < chosen.size(); ++i)
    made.context += fmt::format("{}Document {}:\n{}", i == 0 ? "" : "\n\n", i + 1, set.documents[chosen[i]]);
  made.head = "Answer the question with the documents below, in as few words as possible.\n\n";
  made.question = fmt::format("\n\nQuestion: {}", asked.question);
  made.answer_start = "\nAnswer:";
  return made;
}

}  // namespace kvatlas::evaluation
