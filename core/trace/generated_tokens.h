// The text of the tokens behind the prompt: of the question, and of those that a run generated.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/trace/records.h"

namespace kvatlas::trace {

// Bytes of generated token `index`; empty if the file does not record them.
[[nodiscard]] std::string_view generatedText(const RunRecord& run, std::size_t index);

// Whose token stands at a position behind the prompt.
struct LaterToken {
  bool of_question = false;
  std::size_t index = 0;  // in the question or among the generated tokens
};
[[nodiscard]] LaterToken laterToken(const Prompt& prompt, std::uint64_t position);
// Bytes of a token of the question.
[[nodiscard]] std::string_view questionText(const Prompt& prompt, std::size_t index);

}  // namespace kvatlas::trace
