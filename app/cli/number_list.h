// Lists of numbers as typed: "256,512", "0:100:11" (start:stop:count), or both. Knows nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kvatlas::app {

// Ranges are rounded to tenths. UsageError names the option and the part that is no number or range.
[[nodiscard]] std::vector<double> parseNumbers(const std::string& option, const std::string& text);
// Whole numbers from 1 up; ranges are rounded to whole numbers.
[[nodiscard]] std::vector<std::uint32_t> parseCounts(const std::string& option, const std::string& text);

}  // namespace kvatlas::app
