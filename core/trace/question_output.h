// The names of the traces that one capture of several questions makes.
#pragma once

#include <cstddef>
#include <filesystem>

namespace kvatlas::trace {

// "trace.kva.h5" → "trace-q1.kva.h5" for the first of several questions; the name itself for the only one, or none.
[[nodiscard]] std::filesystem::path questionOutput(const std::filesystem::path& output, std::size_t index,
                                                   std::size_t count);

}  // namespace kvatlas::trace
