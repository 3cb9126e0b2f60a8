// Scores an answer: exact match, substring, and the published word overlap and ROUGE-1.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluation/options.h"

namespace kvatlas::evaluation {

// The right answer to one question.
struct RightAnswer {
  std::vector<std::string> values;  // values that the answer must contain
  std::string text;                 // the whole answer, "Emma 48213, Boston 771."
  std::string needle;               // the planted sentences: ROUGE's reference
};

// The answer within the generated text, without surrounding white space: its first non-blank line; as published,
// all of it.
[[nodiscard]] std::string answerOf(std::string_view generated, Protocol protocol);
// Whether further tokens cannot belong to the answer: its line has ended, or its sentence, unless the right
// answer contains a full stop.
[[nodiscard]] bool answerIsComplete(std::string_view generated, const RightAnswer& right);

// 1 if the answer is right, ignoring white space and a final full stop.
[[nodiscard]] double exactMatch(std::string_view answer, const RightAnswer& right);
// The share of the values that occur in the answer as whole words.
[[nodiscard]] double substringMatch(std::string_view answer, const RightAnswer& right);
// Share of the distinct words of `expected`, split at white space and in lower case, that occur in the answer: the
// published heat map's score.
[[nodiscard]] double wordOverlap(std::string_view answer, std::string_view expected);
// F-measure of stemmed unigrams, as in Google's rouge_score; the published runner prints it times ten.
[[nodiscard]] double rouge1(std::string_view answer, std::string_view reference);

// All scores by name ("exact", "substring", "word_overlap", "rouge1_f").
[[nodiscard]] std::map<std::string, double> allScores(std::string_view answer, const RightAnswer& right);

}  // namespace kvatlas::evaluation
