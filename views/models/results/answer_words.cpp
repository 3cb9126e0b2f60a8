#include "views/models/results/answer_words.h"

#include <QStringList>
#include <algorithm>

namespace kvatlas::views {
namespace {

constexpr std::size_t kMostWords = 600;

bool isIdeograph(QChar c) {
  const char16_t code = c.unicode();
  return (code >= 0x2E80 && code <= 0x9FFF) || (code >= 0xAC00 && code <= 0xD7AF) || (code >= 0xF900 && code <= 0xFAFF);
}

// Parts that joined give the text.
std::vector<AnswerPart> wordsOf(const QString& text) {
  std::vector<AnswerPart> words;
  bool after_blank = true;
  for (const QChar c : text) {
    if (c.isSpace()) {
      if (words.empty()) words.emplace_back();
      words.back().text += c;
      after_blank = true;
      continue;
    }
    const bool joins = !after_blank && !isIdeograph(c) && !isIdeograph(words.back().text.back());
    if (!joins) words.emplace_back();
    words.back().text += c;
    after_blank = false;
  }
  return words;
}

QString keyOf(const AnswerPart& part) {
  QString key;
  for (const QChar c : part.text)
    if (c.isLetterOrNumber() || c.isSurrogate()) key += c.toCaseFolded();
  return key.isEmpty() ? part.text.trimmed() : key;
}

QStringList keysOf(const std::vector<AnswerPart>& words) {
  QStringList keys;
  for (const AnswerPart& word : words) {
    if (static_cast<std::size_t>(keys.size()) == kMostWords) break;
    keys << keyOf(word);
  }
  return keys;
}

// Neighbours that both differ or both do not become one.
std::vector<AnswerPart> joined(const std::vector<AnswerPart>& words) {
  std::vector<AnswerPart> parts;
  for (const AnswerPart& word : words) {
    if (parts.empty() || parts.back().differs != word.differs)
      parts.push_back(word);
    else
      parts.back().text += word.text;
  }
  return parts;
}

}  // namespace

ComparedAnswers compareAnswers(const QString& expected, const QString& given) {
  std::vector<AnswerPart> left = wordsOf(expected), right = wordsOf(given);
  const QStringList a = keysOf(left), b = keysOf(right);
  const auto rows = static_cast<std::size_t>(a.size()), columns = static_cast<std::size_t>(b.size());
  // common[i][j]: length of the longest common subsequence of a[i…] and b[j…]
  std::vector<std::vector<int>> common(rows + 1, std::vector<int>(columns + 1, 0));
  for (std::size_t i = rows; i-- > 0;)
    for (std::size_t j = columns; j-- > 0;)
      common[i][j] = a[static_cast<int>(i)] == b[static_cast<int>(j)] ? common[i + 1][j + 1] + 1
                                                                      : std::max(common[i + 1][j], common[i][j + 1]);
  std::size_t i = 0, j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[static_cast<int>(i)] == b[static_cast<int>(j)]) {
      ++i;
      ++j;
    } else if (j == columns || (i < rows && common[i + 1][j] >= common[i][j + 1])) {
      left[i++].differs = true;
    } else {
      right[j++].differs = true;
    }
  }
  return {joined(left), joined(right)};
}

}  // namespace kvatlas::views
