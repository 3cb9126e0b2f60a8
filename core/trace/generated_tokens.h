// The tokens a run was fed while it generated, which stand behind the prompt: whose they are, and their text. Knows no
// HDF5.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/trace/records.h"

namespace kvatlas::trace {

// The run whose choices stand at positions N, N + 1, … of `run`: itself, or the full cache's, run 0 ("follow": "full").
[[nodiscard]] std::size_t fedBy(const TraceHeader& header, std::size_t run);
// Bytes of the generated token `index`; empty where the file does not know them.
[[nodiscard]] std::string_view generatedText(const RunRecord& run, std::size_t index);

}  // namespace kvatlas::trace
