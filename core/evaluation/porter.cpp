#include "core/evaluation/porter.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

namespace kvatlas::evaluation {
namespace {

bool isConsonant(std::string_view word, std::size_t i) {
  switch (word[i]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
      return false;
    case 'y':
      return i == 0 || !isConsonant(word, i - 1);
    default:
      return true;
  }
}

bool hasVowel(std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i)
    if (!isConsonant(word, i)) return true;
  return false;
}

// m in [C](VC)^m[V]: how often a consonant follows a vowel.
int measure(std::string_view word) {
  int count = 0;
  for (std::size_t i = 1; i < word.size(); ++i)
    if (isConsonant(word, i) && !isConsonant(word, i - 1)) ++count;
  return count;
}

bool endsDouble(std::string_view word) {
  const std::size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && isConsonant(word, n - 1);
}

// Consonant, vowel, consonant other than w, x, y: "hop"; of two letters: vowel, consonant.
bool endsShort(std::string_view word) {
  const std::size_t n = word.size();
  if (n == 2) return !isConsonant(word, 0) && isConsonant(word, 1);
  return n >= 3 && isConsonant(word, n - 3) && !isConsonant(word, n - 2) && isConsonant(word, n - 1) &&
         std::string_view("wxy").find(word[n - 1]) == std::string_view::npos;
}

std::string join(std::string_view stem, std::string_view ending) {
  return std::string(stem) + std::string(ending);
}

// The part before an ending; empty if the word does not have it.
std::optional<std::string_view> before(std::string_view word, std::string_view ending) {
  if (!word.ends_with(ending)) return std::nullopt;
  return word.substr(0, word.size() - ending.size());
}

using Rule = std::pair<std::string_view, std::string_view>;

// Applies only the first rule with a matching ending, and only if the stem's measure is above `least`.
std::string applyRules(std::string_view word, std::span<const Rule> rules, int least) {
  for (const auto& [ending, replacement] : rules)
    if (const auto stem = before(word, ending))
      return measure(*stem) > least ? join(*stem, replacement) : join(word, "");
  return std::string(word);
}

std::string plurals(std::string_view word) {
  if (const auto stem = before(word, "sses")) return join(*stem, "ss");
  if (const auto stem = before(word, "ies")) return join(*stem, word.size() == 4 ? "ie" : "i");
  if (word.ends_with("ss")) return std::string(word);
  return join(word.ends_with('s') ? word.substr(0, word.size() - 1) : word, "");
}

std::string afterPast(std::string_view stem) {
  for (const std::string_view ending : {"at", "bl", "iz"})
    if (stem.ends_with(ending)) return join(stem, "e");
  if (endsDouble(stem) && std::string_view("lsz").find(stem.back()) == std::string_view::npos)
    return std::string(stem.substr(0, stem.size() - 1));
  return join(stem, measure(stem) == 1 && endsShort(stem) ? "e" : "");
}

std::string pastAndProgressive(std::string_view word) {
  if (const auto stem = before(word, "ied")) return join(*stem, word.size() == 4 ? "ie" : "i");
  if (const auto stem = before(word, "eed")) return join(*stem, measure(*stem) > 0 ? "ee" : "eed");
  for (const std::string_view ending : {"ed", "ing"})
    if (const auto stem = before(word, ending); stem && hasVowel(*stem)) return afterPast(*stem);
  return std::string(word);
}

std::string finalY(std::string_view word) {
  const auto stem = before(word, "y");
  return stem && stem->size() > 1 && isConsonant(*stem, stem->size() - 1) ? join(*stem, "i") : std::string(word);
}

std::string longSuffixes(std::string_view word) {
  static constexpr std::array<Rule, 21> kRules = {
      Rule{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
      {"bli", "ble"},         {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
      {"ization", "ize"},     {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
      {"fulness", "ful"},     {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
      {"fulli", "ful"}};
  if (const auto stem = before(word, "alli"); stem && measure(*stem) > 0) return longSuffixes(join(*stem, "al"));
  if (const auto stem = before(word, "logi"))
    return measure(word.substr(0, word.size() - 3)) > 0 ? join(*stem, "log") : std::string(word);
  return applyRules(word, kRules, 0);
}

std::string shortSuffixes(std::string_view word) {
  static constexpr std::array<Rule, 7> kRules = {Rule{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
                                                 {"ical", "ic"},      {"ful", ""},   {"ness", ""}};
  return applyRules(word, kRules, 0);
}

std::string bareSuffixes(std::string_view word) {
  static constexpr std::array<Rule, 18> kRules = {
      Rule{"al", ""}, {"ance", ""}, {"ence", ""},  {"er", ""},   {"ic", ""},  {"able", ""},
      {"ible", ""},   {"ant", ""},  {"ement", ""}, {"ment", ""}, {"ent", ""}, {"ou", ""},
      {"ism", ""},    {"ate", ""},  {"iti", ""},   {"ous", ""},  {"ive", ""}, {"ize", ""}};
  if (const auto stem = before(word, "ion")) {
    const bool removable = measure(*stem) > 1 && (stem->back() == 's' || stem->back() == 't');
    return std::string(removable ? *stem : word);
  }
  return applyRules(word, kRules, 1);
}

std::string finalE(std::string_view word) {
  const auto stem = before(word, "e");
  if (!stem) return std::string(word);
  const int m = measure(*stem);
  return std::string(m > 1 || (m == 1 && !endsShort(*stem)) ? *stem : word);
}

std::string finalDoubleL(std::string_view word) {
  const std::string_view shorter = word.substr(0, word.size() - 1);
  return std::string(word.ends_with("ll") && measure(shorter) > 1 ? shorter : word);
}

std::optional<std::string_view> irregular(std::string_view word) {
  static constexpr std::array<Rule, 16> kWords = {
      Rule{"sky", "sky"},    {"skies", "sky"},       {"dying", "die"},        {"lying", "lie"},
      {"tying", "tie"},      {"news", "news"},       {"innings", "inning"},   {"inning", "inning"},
      {"outings", "outing"}, {"outing", "outing"},   {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"},    {"succeed", "succeed"}};
  for (const auto& [form, stem] : kWords)
    if (word == form) return stem;
  return std::nullopt;
}

}  // namespace

std::string porterStem(std::string_view word) {
  if (const auto stem = irregular(word)) return std::string(*stem);
  if (word.size() <= 2) return std::string(word);
  std::string stem(word);
  for (auto* step : {plurals, pastAndProgressive, finalY, longSuffixes, shortSuffixes, bareSuffixes, finalE})
    stem = step(stem);
  return stem.empty() ? stem : finalDoubleL(stem);
}

}  // namespace kvatlas::evaluation
