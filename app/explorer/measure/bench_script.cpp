#include "app/explorer/measure/bench_script.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <sstream>

#include "core/base/error.h"
#include "core/base/files.h"

namespace kvatlas::app {
namespace {

constexpr const char* kPanZoom = R"(wait
wheel 1 x30
pan -60 -40 x60
wait
pan 30 70 x60
wheel 1 x20
pan -90 20 x60
wheel -1 x50
wait
layer 1 x8
head 1 x8
)";

// The same movements in nine linked views.
constexpr const char* kNine = R"(wait
views 9
wheel 1 x30
pan -20 -15 x60
wait
pan 10 25 x60
wheel -1 x30
)";

// Number of arguments of each verb.
const std::map<std::string, int>& verbs() {
  static const std::map<std::string, int> known{{"wheel", 1}, {"pan", 2},   {"layer", 1}, {"head", 1},
                                                {"fit", 0},   {"views", 1}, {"wait", 0}};
  return known;
}

int number(const std::string& word, const std::string& line) {
  int value = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size())
    failUsage("--bench: '{}': '{}' is not a whole number", line, word);
  return value;
}

BenchStep parseStep(const std::string& line) {
  std::istringstream in(line);
  BenchStep step;
  in >> step.verb;
  const auto known = verbs().find(step.verb);
  if (known == verbs().end())
    failUsage("--bench: '{}': unknown step; use wheel, pan, layer, head, fit, views or wait", line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  if (!words.empty() && words.back().starts_with('x')) {
    step.times = number(words.back().substr(1), line);
    words.pop_back();
  }
  if (words.size() != static_cast<std::size_t>(known->second) || step.times < 1 || step.times > 100000)
    failUsage("--bench: '{}': {} takes {} numbers and a repeat count, x1 to x100000", line, step.verb, known->second);
  if (step.verb == "views" && words[0] != "1" && words[0] != "2" && words[0] != "4" && words[0] != "9")
    failUsage("--bench: '{}': 1, 2, 4 or 9 views", line);
  if (!words.empty()) step.a = number(words[0], line);
  if (words.size() > 1) step.b = number(words[1], line);
  return step;
}

}  // namespace

std::string BenchStep::text() const {
  const int numbers = verbs().at(verb);
  const std::string what = numbers == 0   ? verb
                           : numbers == 1 ? fmt::format("{} {}", verb, a)
                                          : fmt::format("{} {} {}", verb, a, b);
  return times == 1 ? what : fmt::format("{} x{}", what, times);
}

std::vector<BenchStep> benchScript(const std::string& name) {
  std::istringstream in(name == "panzoom" ? kPanZoom : name == "nine" ? kNine : readFile(name, 1 << 20));
  std::vector<BenchStep> steps;
  for (std::string line; std::getline(in, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") != std::string::npos) steps.push_back(parseStep(line));
  }
  if (steps.empty()) failUsage("--bench {}: the script has no steps", name);
  return steps;
}

}  // namespace kvatlas::app
