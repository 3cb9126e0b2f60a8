#include "core/evaluation/scores.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "core/evaluation/porter.h"

namespace kvatlas::evaluation {
namespace {

constexpr std::string_view kWhite = " \t\r\n\v\f";

bool isWordByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhite) - begin + 1);
}

std::string_view withoutFullStop(std::string_view text) {
  text = trimmed(text);
  if (text.ends_with('.')) text.remove_suffix(1);
  return trimmed(text);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// Maximal runs of characters for which `belongs` holds.
template <class Belongs>
std::vector<std::string> runs(const std::string& text, Belongs belongs) {
  std::vector<std::string> words(1);
  for (const char c : text)
    if (belongs(c))
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  if (words.back().empty()) words.pop_back();
  return words;
}

std::set<std::string> wordSet(std::string_view text) {
  const auto words = runs(lower(text), [](char c) { return kWhite.find(c) == std::string_view::npos; });
  return {words.begin(), words.end()};
}

std::multiset<std::string> stems(std::string_view text) {
  std::multiset<std::string> found;
  for (const std::string& word :
       runs(lower(text), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }))
    found.insert(word.size() > 3 ? porterStem(word) : word);
  return found;
}

bool standsIn(std::string_view text, std::string_view value) {
  for (auto at = text.find(value); at != std::string_view::npos; at = text.find(value, at + 1)) {
    const std::size_t end = at + value.size();
    if ((at == 0 || !isWordByte(text[at - 1])) && (end == text.size() || !isWordByte(text[end]))) return true;
  }
  return false;
}

}  // namespace

std::string answerOf(std::string_view generated, Protocol protocol) {
  std::string_view answer = trimmed(generated);
  if (protocol == Protocol::Exact) answer = trimmed(answer.substr(0, answer.find('\n')));
  return std::string(answer);
}

bool answerIsComplete(std::string_view generated, const RightAnswer& right) {
  const auto begin = generated.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return false;
  const bool stops_within = withoutFullStop(right.text).find('.') != std::string_view::npos;
  return generated.find_first_of(stops_within ? "\n" : "\n.", begin) != std::string_view::npos;
}

double exactMatch(std::string_view answer, const RightAnswer& right) {
  return withoutFullStop(answer) == withoutFullStop(right.text) ? 1 : 0;
}

double substringMatch(std::string_view answer, const RightAnswer& right) {
  if (right.values.empty()) return 0;
  const auto found = std::ranges::count_if(
      right.values, [&](const std::string& value) { return standsIn(answer, withoutFullStop(value)); });
  return static_cast<double>(found) / static_cast<double>(right.values.size());
}

double wordOverlap(std::string_view answer, std::string_view expected) {
  const std::set<std::string> wanted = wordSet(expected), given = wordSet(answer);
  if (wanted.empty()) return 0;
  const auto found = std::ranges::count_if(wanted, [&](const std::string& word) { return given.contains(word); });
  return static_cast<double>(found) / static_cast<double>(wanted.size());
}

double rouge1(std::string_view answer, std::string_view reference) {
  const std::multiset<std::string> wanted = stems(reference), given = stems(answer);
  std::vector<std::string> common;
  std::ranges::set_intersection(wanted, given, std::back_inserter(common));
  if (common.empty()) return 0;
  const auto overlap = static_cast<double>(common.size());
  const double precision = overlap / static_cast<double>(given.size()),
               recall = overlap / static_cast<double>(wanted.size());
  return 2 * precision * recall / (precision + recall);
}

std::map<std::string, double> allScores(std::string_view answer, const RightAnswer& right) {
  return {{std::string(nameOf(Score::Exact)), exactMatch(answer, right)},
          {std::string(nameOf(Score::Substring)), substringMatch(answer, right)},
          {std::string(nameOf(Score::WordOverlap)), wordOverlap(answer, right.text)},
          {std::string(nameOf(Score::Rouge)), rouge1(answer, right.needle)}};
}

}  // namespace kvatlas::evaluation
