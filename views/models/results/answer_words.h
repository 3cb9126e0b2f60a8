// Which words of an expected and a given answer differ. Qt Core only.
#pragma once

#include <QString>
#include <vector>

namespace kvatlas::views {

struct AnswerPart {
  QString text;          // with the blanks behind it
  bool differs = false;  // the other answer does not have these words in this order
};

struct ComparedAnswers {
  std::vector<AnswerPart> expected, given;
};

// Words are compared without case and punctuation; a Chinese, Japanese or Korean character is a word. Of a longest
// common subsequence; the first 600 words of each.
[[nodiscard]] ComparedAnswers compareAnswers(const QString& expected, const QString& given);

}  // namespace kvatlas::views
