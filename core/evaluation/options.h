// What decides the prompts and scores of a needle run; plain values that a command line can fill.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluation/facts.h"

namespace kvatlas::evaluation {

// Number, Words: one fact, asked. Multi: several, one asked. All: several, all asked. Distractor: one, asked, and a
// near-identical one. Own: the user's needle, question and answer.
enum class NeedleKind : std::uint8_t { Number, Words, Multi, All, Distractor, Own };

[[nodiscard]] std::string_view nameOf(NeedleKind kind);
[[nodiscard]] NeedleKind parseNeedleKind(std::string_view name);  // UsageError with the nearest names

// Exact: prompts of exactly the asked number of tokens. Paper: the published runner's contexts and template.
enum class Protocol : std::uint8_t { Exact, Paper };

// How answers are scored; all four are recorded, one is the run's score.
enum class Score : std::uint8_t { Exact, Substring, WordOverlap, Rouge };
[[nodiscard]] std::string_view nameOf(Score score);
[[nodiscard]] Score parseScore(std::string_view name);  // UsageError with the nearest names

// "completion", "question-and-start", "question", "which", "command".
[[nodiscard]] std::string_view nameOf(Asking asking);
[[nodiscard]] Asking parseAsking(std::string_view name);  // UsageError with the nearest names

// What decides the prompts of a run, once the tokenizer is known.
struct PromptPlan {
  Protocol protocol = Protocol::Exact;
  std::vector<std::uint32_t> lengths;  // tokens of the whole prompt (Paper: of context and published buffer)
  std::vector<double> depths;          // percent
  std::vector<NeedleKind> kinds{NeedleKind::Number};
  std::uint32_t needles = 4;  // of the kinds with several
  std::uint32_t trials = 1;
  std::uint64_t seed = 0;
  Split split = Split::HeldOut;
  Asking asking = Asking::Completion;
  std::string needle, question, answer;                 // of the kind Own
  std::string prompt_template = "{context}{question}";  // what surrounds the text
  bool repeat = false;                                  // a haystack that is too short begins again at its end
};

}  // namespace kvatlas::evaluation
