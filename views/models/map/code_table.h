// Lookup table from 16-bit log₂ codes to probabilities.
#pragma once

#include <vector>

namespace kvatlas::views {

[[nodiscard]] const std::vector<float>& probabilityOfCode();  // [65536]

}  // namespace kvatlas::views
