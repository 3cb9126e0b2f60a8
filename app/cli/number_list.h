// Parses lists of numbers: "256,512", "0:100:11" (start:stop:count), or both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kvatlas::app {

// Range values are rounded to tenths. UsageError names the option and the part that is not a number or range.
[[nodiscard]] std::vector<double> parseNumbers(const std::string& option, const std::string& text);
// Whole numbers from 1 up; range values are rounded to whole numbers.
[[nodiscard]] std::vector<std::uint32_t> parseCounts(const std::string& option, const std::string& text);

}  // namespace kvatlas::app
