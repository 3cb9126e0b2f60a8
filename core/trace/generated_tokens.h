// The text of the tokens that a run generated; knows no HDF5.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/trace/records.h"

namespace kvatlas::trace {

// Bytes of the generated token `index`; empty where the file does not know them.
[[nodiscard]] std::string_view generatedText(const RunRecord& run, std::size_t index);

}  // namespace kvatlas::trace
