// The options that determine a needle run's prompts and scores; plain values for a command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluation/facts.h"

namespace kvatlas::evaluation {

// Number, Words: one fact, asked for. Multi: several, one asked for. All: all asked for. Distractor: one fact and a
// near-identical one. Own: the user's needle, question and answer.
enum class NeedleKind : std::uint8_t { Number, Words, Multi, All, Distractor, Own };

[[nodiscard]] std::string_view nameOf(NeedleKind kind);
[[nodiscard]] NeedleKind parseNeedleKind(std::string_view name);  // UsageError with the nearest names

// Exact: prompts of exactly the requested number of tokens. Paper: the published runner's contexts and template.
enum class Protocol : std::uint8_t { Exact, Paper };

// How answers are scored; a run records all four and reports one.
enum class Score : std::uint8_t { Exact, Substring, WordOverlap, Rouge };
[[nodiscard]] std::string_view nameOf(Score score);
[[nodiscard]] Score parseScore(std::string_view name);  // UsageError with the nearest names

// "completion", "question-and-start", "question", "which", "command".
[[nodiscard]] std::string_view nameOf(Asking asking);
[[nodiscard]] Asking parseAsking(std::string_view name);  // UsageError with the nearest names

// The options that determine the prompts of a run for a given tokenizer.
struct PromptPlan {
  Protocol protocol = Protocol::Exact;
  std::vector<std::uint32_t> lengths;  // tokens of the whole prompt (Paper: of context and published buffer)
  std::vector<double> depths;          // percent
  std::vector<NeedleKind> kinds{NeedleKind::Number};
  std::uint32_t needles = 4;  // for the kinds with several
  std::uint32_t trials = 1;
  std::uint64_t seed = 0;
  Split split = Split::HeldOut;
  Asking asking = Asking::Completion;
  std::string needle, question, answer;                 // for the kind Own
  std::string prompt_template = "{context}{question}";  // text around context and question
  bool repeat = false;                                  // whether to repeat a haystack that is too short
};

}  // namespace kvatlas::evaluation
