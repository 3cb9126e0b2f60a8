// Round tick positions and their texts; knows numbers only.
#pragma once

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

}  // namespace kvatlas::views
