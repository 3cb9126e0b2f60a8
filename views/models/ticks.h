// Round tick positions and their texts; knows numbers only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kvatlas::views {

struct Tick {
  double value = 0;
  std::string text;  // UTF-8; empty: a tick without a number
};

// At most `most` round values (1, 2, 5 × 10ⁿ apart) in [low, high]. whole: never between integers.
[[nodiscard]] std::vector<Tick> linearTicks(double low, double high, std::size_t most, bool whole = false);
// Powers of ten in [low, high] as 10⁻³; thinned to at most `most`.
[[nodiscard]] std::vector<Tick> logTicks(double low, double high, std::size_t most);
// "10⁻⁵", "10", "1"
[[nodiscard]] std::string powerOfTen(int power);
// "4,096"
[[nodiscard]] std::string grouped(std::uint64_t number);
// Shortest text: 0.25, 128, 3e-05
[[nodiscard]] std::string plainNumber(double value);

}  // namespace kvatlas::views
