#include "views/models/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kvatlas::views {
namespace {

std::string superscript(int power) {
  static const char* const kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = power < 0 ? "⁻" : "";
  for (const char digit : std::to_string(std::abs(power))) text += kDigits[digit - '0'];
  return text;
}

}  // namespace

std::string powerOfTen(int power) {
  if (power == 0) return "1";
  if (power == 1) return "10";
  return "10" + superscript(power);
}

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

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string plainNumber(double value) {
  return fmt::format("{}", value);
}

}  // namespace kvatlas::views
