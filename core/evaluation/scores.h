// What an answer is worth: exact match, substring and the published word overlap and ROUGE-1. Knows only strings.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluation/options.h"

namespace kvatlas::evaluation {

// What is known of the right answer to one question.
struct RightAnswer {
  std::vector<std::string> values;  // each of them is asked for
  std::string text;                 // the whole answer, "Emma 48213, Boston 771."
  std::string needle;               // the planted sentences: the reference of ROUGE
};

// The answer in what a model generated, without white space around it: its first line that is not blank; as published,
// everything.
[[nodiscard]] std::string answerOf(std::string_view generated, Protocol protocol);
// Whether what is generated next cannot be part of the answer: its line has ended, or its sentence, unless the right
// answer has a full stop within.
[[nodiscard]] bool answerIsComplete(std::string_view generated, const RightAnswer& right);

// 1 when the answer is the right one, but for white space and a full stop at its end.
[[nodiscard]] double exactMatch(std::string_view answer, const RightAnswer& right);
// The share of the values that stand in the answer, no letter or digit joined to them.
[[nodiscard]] double substringMatch(std::string_view answer, const RightAnswer& right);
// Share of the distinct words of `expected`, split at white space and in lower case, that are words of the answer: the
// published heat map's score.
[[nodiscard]] double wordOverlap(std::string_view answer, std::string_view expected);
// F-measure of stemmed unigrams, as Google's rouge_score; the published runner prints ten times it.
[[nodiscard]] double rouge1(std::string_view answer, std::string_view reference);

// All of them by name ("exact", "substring", "word_overlap", "rouge1_f").
[[nodiscard]] std::map<std::string, double> allScores(std::string_view answer, const RightAnswer& right);

}  // namespace kvatlas::evaluation
