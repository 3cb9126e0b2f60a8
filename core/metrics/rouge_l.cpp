#include "core/metrics/rouge_l.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/metrics/words.h"

namespace kvatlas::metrics {
namespace {

constexpr std::size_t kMostCells = std::size_t{1} << 28;

using Sentence = std::vector<std::uint32_t>;  // words by number

class Vocabulary {
 public:
  // Pieces between full stops, with single blanks; an empty one has the empty word.
  std::vector<Sentence> sentences(std::string_view text) {
    std::vector<Sentence> sentences;
    for (const std::string& piece : splitAt(text, '.')) {
      if (piece.empty()) continue;
      const std::vector<std::string> words = splitAtBlanks(piece);
      sentences.emplace_back();
      for (const std::string& word : words) sentences.back().push_back(numberOf(word));
      if (words.empty()) sentences.back().push_back(numberOf(""));
    }
    return sentences;
  }

 private:
  std::uint32_t numberOf(const std::string& word) {
    return m_numbers.try_emplace(word, static_cast<std::uint32_t>(m_numbers.size())).first->second;
  }
  std::map<std::string, std::uint32_t> m_numbers;
};

// Adds the words of the longest common subsequence that the package walks back to: to the left in ties.
void addCommon(const Sentence& truth, const Sentence& prediction, std::set<std::uint32_t>& words) {
  const std::size_t rows = truth.size(), columns = prediction.size(), width = columns + 1;
  if ((rows + 1) > kMostCells / width)
    fail("ROUGE-L: sentences of {} and {} words are too long to compare", rows, columns);
  std::vector<std::uint32_t> lengths((rows + 1) * width, 0);
  for (std::size_t i = 1; i <= rows; ++i)
    for (std::size_t j = 1; j <= columns; ++j)
      lengths[i * width + j] = truth[i - 1] == prediction[j - 1]
                                   ? lengths[(i - 1) * width + j - 1] + 1
                                   : std::max(lengths[(i - 1) * width + j], lengths[i * width + j - 1]);
  for (std::size_t i = rows, j = columns; i > 0 && j > 0;) {
    if (truth[i - 1] == prediction[j - 1]) {
      words.insert(truth[i - 1]);
      --i, --j;
    } else if (lengths[(i - 1) * width + j] > lengths[i * width + j - 1]) {
      --i;
    } else {
      --j;
    }
  }
}

std::size_t distinct(const std::vector<Sentence>& sentences) {
  std::set<std::uint32_t> words;
  for (const Sentence& sentence : sentences) words.insert(sentence.begin(), sentence.end());
  return words.size();
}

}  // namespace

double rougeL(std::string_view prediction, std::string_view truth) {
  Vocabulary vocabulary;
  const std::vector<Sentence> given = vocabulary.sentences(prediction), wanted = vocabulary.sentences(truth);
  if (given.empty() || wanted.empty()) return 0;
  std::set<std::uint32_t> common;
  for (const Sentence& reference : wanted)
    for (const Sentence& sentence : given) addCommon(reference, sentence, common);
  const auto found = static_cast<double>(common.size());
  const double recall = found / static_cast<double>(distinct(wanted)),
               precision = found / static_cast<double>(distinct(given));
  return 2.0 * ((precision * recall) / (precision + recall + 1e-8));
}

}  // namespace kvatlas::metrics
