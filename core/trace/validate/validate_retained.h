// Compares a run's retained and oracle mass at the end of the prompt with the recorded attention of its last query;
// part of validate().
#pragma once

#include <optional>
#include <string>

#include "core/trace/reader.h"

namespace kvatlas::trace {

// The first head whose masses at step 0 are not those of its kept positions. Empty: none, or nothing to compare with.
[[nodiscard]] std::optional<std::string> retainedProblem(const Reader& reader, const RunHeader& run,
                                                         const RunRecord& record, double tolerance);

}  // namespace kvatlas::trace
