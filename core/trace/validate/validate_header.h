// Checks what the header and the notes of a trace say; part of validate(). No HDF5.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trace/reader.h"

namespace kvatlas::trace {

// Values that no capture writes: not finite, negative, unknown names, texts that are not UTF-8, parameters that are no
// JSON object.
[[nodiscard]] std::vector<Finding> headerFindings(const TraceHeader& header);

// Notes that are neither empty nor a JSON object.
[[nodiscard]] std::optional<std::string> notesProblem(const std::string& notes);

// Bytes of one number of the compute type; 0 for an unknown one.
[[nodiscard]] std::uint64_t numberBytes(const std::string& compute_dtype);

}  // namespace kvatlas::trace
