// The text of the tokens that a run generated.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/trace/records.h"

namespace kvatlas::trace {

// Bytes of generated token `index`; empty if the file does not record them.
[[nodiscard]] std::string_view generatedText(const RunRecord& run, std::size_t index);

}  // namespace kvatlas::trace
