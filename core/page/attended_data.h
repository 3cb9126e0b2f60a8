// The keys that each generated token attends to, as bytes for the page's script.
#pragma once

#include <cstdint>
#include <string>

#include "core/page/page.h"

namespace kvatlas::page {

inline constexpr std::uint64_t kAttendedBytes = 5;  // a position (u32, little endian) and a byte of its mass

// Base64 of [steps, chosen layers, chosen heads, K] entries in the trace's order: descending mass, kNoToken where there
// is none. Empty if the run has none, or they would take more than `most_bytes`.
[[nodiscard]] std::string packAttended(const trace::Reader& reader, const PageContent& content, std::size_t run,
                                       std::size_t steps, std::uint64_t most_bytes);

}  // namespace kvatlas::page
