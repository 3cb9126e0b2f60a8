// Numbers as people read them in labels and tables.
#pragma once

#include <cstdint>
#include <string>

namespace kvatlas::views {

// "10⁻⁵", "10", "1"
[[nodiscard]] std::string powerOfTen(int power);
// "4,096"
[[nodiscard]] std::string grouped(std::uint64_t number);
// Shortest text: 0.25, 128, 3e-05
[[nodiscard]] std::string plainNumber(double value);

}  // namespace kvatlas::views
