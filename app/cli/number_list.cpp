#include "app/cli/number_list.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "core/base/error.h"

namespace kvatlas::app {
namespace {

constexpr double kMostInRange = 10'000;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

double number(const std::string& option, const std::string& whole, const std::string& part) {
  double value = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  if (error != std::errc{} || end != part.data() + part.size() || part.empty() || !std::isfinite(value))
    failUsage("{} {}: expected numbers like 256,512 or a range start:stop:count", option, whole);
  return value;
}

// `unit`: rounds the values of a range to multiples of it.
std::vector<double> parse(const std::string& option, const std::string& text, double unit) {
  std::vector<double> values;
  for (const std::string& item : split(text, ',')) {
    const std::vector<std::string> parts = split(item, ':');
    if (parts.size() == 1) {
      values.push_back(number(option, text, item));
      continue;
    }
    if (parts.size() != 3) failUsage("{} {}: a range has three parts, start:stop:count", option, text);
    const double start = number(option, text, parts[0]), stop = number(option, text, parts[1]),
                 count = number(option, text, parts[2]);
    if (count < 1 || count > kMostInRange || count != std::floor(count))
      failUsage("{} {}: the count of a range is a whole number from 1 to {}", option, text, kMostInRange);
    for (double i = 0; i < count; ++i)
      values.push_back(std::round((count == 1 ? start : start + (stop - start) * i / (count - 1)) / unit) * unit);
  }
  return values;
}

}  // namespace

std::vector<double> parseNumbers(const std::string& option, const std::string& text) {
  std::vector<double> values = parse(option, text, 0.1);
  for (double& value : values)  // 33.3 and not 33.300000000000004
    if (const double tenth = std::round(value * 10) / 10; std::abs(tenth - value) < 1e-9) value = tenth;
  return values;
}

std::vector<std::uint32_t> parseCounts(const std::string& option, const std::string& text) {
  std::vector<std::uint32_t> counts;
  for (const double value : parse(option, text, 1)) {
    if (value < 1 || value > std::numeric_limits<std::uint32_t>::max() || value != std::floor(value))
      failUsage("{} {}: expected whole numbers from 1 up", option, text);
    counts.push_back(static_cast<std::uint32_t>(value));
  }
  return counts;
}

}  // namespace kvatlas::app
