#include "core/metrics/matching.h"

#include <algorithm>
#include <vector>

#include "core/base/error.h"
#include "core/metrics/words.h"
#include "core/text/template/letters.h"

namespace kvatlas::metrics {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

double shareOf(const std::vector<std::string>& numbers, std::string_view wanted) {
  if (numbers.empty()) return 0;
  return static_cast<double>(std::ranges::count(numbers, wanted)) / static_cast<double>(numbers.size());
}

std::size_t countContained(std::string_view prediction, std::span<const std::string> strings) {
  if (strings.empty()) fail("a string match needs at least one answer");
  const std::string text = text::jinja::lower(prediction);
  return static_cast<std::size_t>(
      std::ranges::count_if(strings, [&](const std::string& one) { return contains(text, text::jinja::lower(one)); }));
}

}  // namespace

double classification(std::string_view prediction, std::string_view truth, std::span<const std::string> classes) {
  std::vector<std::string> found;
  for (const std::string& one : classes)
    if (contains(prediction, one)) found.push_back(one);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string one = found[i];
    if (contains(truth, one) && one != truth) found.erase(std::ranges::find(found, one));
  }
  return std::ranges::find(found, truth) == found.end() ? 0 : 1 / static_cast<double>(found.size());
}

double countOf(std::string_view prediction, std::string_view truth) {
  return shareOf(numbersIn(prediction), truth);
}

double retrieval(std::string_view prediction, std::string_view truth, std::string_view word) {
  for (auto at = truth.find(word); at != std::string_view::npos; at = truth.find(word, at + 1)) {
    const std::string_view rest = truth.substr(at + word.size());
    const std::vector<std::string> numbers = numbersIn(rest);
    if (!numbers.empty() && rest.starts_with(numbers.front())) return shareOf(numbersIn(prediction), numbers.front());
  }
  fail("the answer '{}' names no {}N", truth.substr(0, 80), word);
}

double stringMatchAll(std::string_view prediction, std::span<const std::string> strings) {
  return static_cast<double>(countContained(prediction, strings)) / static_cast<double>(strings.size());
}

double stringMatchPart(std::string_view prediction, std::span<const std::string> strings) {
  return countContained(prediction, strings) > 0 ? 1 : 0;
}

std::string codeLine(std::string_view prediction) {
  const std::size_t begin = std::min(prediction.find_first_not_of('\n'), prediction.size());
  for (const std::string& line : splitAt(prediction.substr(begin), '\n'))
    if (!contains(line, "`") && !contains(line, "#") && !contains(line, "//")) return line;
  return {};
}

}  // namespace kvatlas::metrics
