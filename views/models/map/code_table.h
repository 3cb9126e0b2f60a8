// What the 16-bit log₂ codes of a trace stand for, as one table; knows no file.
#pragma once

#include <vector>

namespace kvatlas::views {

[[nodiscard]] const std::vector<float>& probabilityOfCode();  // [65536]

}  // namespace kvatlas::views
