#include "core/evaluation/options.h"

#include <array>
#include <utility>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::evaluation {
namespace {

constexpr std::array<std::pair<NeedleKind, std::string_view>, 6> kKinds = {{{NeedleKind::Number, "number"},
                                                                            {NeedleKind::Words, "words"},
                                                                            {NeedleKind::Multi, "multi"},
                                                                            {NeedleKind::All, "all"},
                                                                            {NeedleKind::Distractor, "distractor"},
                                                                            {NeedleKind::Own, "own"}}};
constexpr std::array<std::pair<Score, std::string_view>, 4> kScores = {{{Score::Exact, "exact"},
                                                                        {Score::Substring, "substring"},
                                                                        {Score::WordOverlap, "word_overlap"},
                                                                        {Score::Rouge, "rouge1_f"}}};

constexpr std::array<std::pair<Asking, std::string_view>, 5> kAskings = {
    {{Asking::Completion, "completion"},
     {Asking::QuestionAndStart, "question-and-start"},
     {Asking::Question, "question"},
     {Asking::Which, "which"},
     {Asking::Command, "command"}}};

template <class Value, std::size_t N>
std::string_view nameIn(const std::array<std::pair<Value, std::string_view>, N>& table, Value value) {
  for (const auto& [known, name] : table)
    if (known == value) return name;
  return {};
}

template <class Value, std::size_t N>
Value valueIn(const std::array<std::pair<Value, std::string_view>, N>& table, const char* what,
              std::string_view given) {
  std::vector<std::string> names;
  for (const auto& [value, name] : table) {
    if (name == given) return value;
    names.emplace_back(name);
  }
  failUsage("{} {}: unknown{}", what, given, suggestion(given, names));
}

}  // namespace

std::string_view nameOf(NeedleKind kind) {
  return nameIn(kKinds, kind);
}
NeedleKind parseNeedleKind(std::string_view name) {
  return valueIn(kKinds, "--kind", name);
}
std::string_view nameOf(Asking asking) {
  return nameIn(kAskings, asking);
}
Asking parseAsking(std::string_view name) {
  return valueIn(kAskings, "--asking", name);
}
std::string_view nameOf(Score score) {
  return nameIn(kScores, score);
}
Score parseScore(std::string_view name) {
  return valueIn(kScores, "--score", name);
}

}  // namespace kvatlas::evaluation
