#include "views/models/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "views/models/number_text.h"

namespace kvatlas::views {

std::vector<Tick> linearTicks(double low, double high, std::size_t most, bool whole) {
  std::vector<Tick> ticks;
  if (!(high > low) || most == 0) return ticks;
  double step = std::pow(10.0, std::floor(std::log10((high - low) / static_cast<double>(most))) - 1);
  if (whole) step = std::max(step, 1.0);
  const auto countFor = [&](double s) { return std::floor(high / s + 1e-9) - std::ceil(low / s - 1e-9) + 1; };
  const double factors[] = {2, 2.5, 2};  // 1 → 2 → 5 → 10
  for (std::size_t f = 0; countFor(step) > static_cast<double>(most); ++f) step *= factors[f % 3];
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k) {
    const double value = k == 0 ? 0 : k * step;
    ticks.push_back({value, fmt::format("{:.{}f}", value, decimals)});
  }
  return ticks;
}

std::vector<Tick> logTicks(double low, double high, std::size_t most) {
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9)),
            last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  if (last < first) return {};
  const int step = std::max(1, (last - first + static_cast<int>(most)) / std::max(1, static_cast<int>(most)));
  std::vector<Tick> ticks;
  for (int power = last; power >= first; power -= step) ticks.push_back({std::pow(10.0, power), powerOfTen(power)});
  std::reverse(ticks.begin(), ticks.end());
  return ticks;
}

}  // namespace kvatlas::views
