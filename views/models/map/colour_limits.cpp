#include "views/models/map/colour_limits.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "kernels/log2_codec.h"

namespace kvatlas::views {
namespace {

constexpr double kSmallest = 1e-9, kLeastRatio = 1.5, kLeastWidth = 1e-6;

double largestSeen(const CodeHistogram& seen) {
  for (std::size_t bin = seen.bins.size(); bin > 0; --bin)
    if (seen.bins[bin - 1] > 0) return kernels::decodeLog2(static_cast<std::uint16_t>(bin * 256 - 1));
  return 0;
}

// The bin below which `share` of the counted values lie.
std::size_t binAt(const CodeHistogram& seen, std::uint64_t total, double share) {
  std::uint64_t below = 0;
  for (std::size_t bin = 0; bin < seen.bins.size(); ++bin) {
    below += seen.bins[bin];
    if (static_cast<double>(below) >= share * static_cast<double>(total)) return bin;
  }
  return seen.bins.size() - 1;
}

}  // namespace

double valueOfBin(std::size_t bin) {
  return kernels::decodeLog2(static_cast<std::uint16_t>(bin * 256 + 128));
}

double ScaleDomain::position(double value) const {
  switch (kind) {
    case ScaleKind::Log:
      return std::log(std::max(value, low) / low) / std::log(high / low);
    case ScaleKind::Sqrt:
      return std::sqrt(std::max(value - low, 0.0) / (high - low));
    case ScaleKind::Linear:
      return (value - low) / (high - low);
  }
  fail("scale {} is unknown", static_cast<int>(kind));
}

double ScaleDomain::value(double position) const {
  position = std::clamp(position, 0.0, 1.0);
  switch (kind) {
    case ScaleKind::Log:
      return low * std::pow(high / low, position);
    case ScaleKind::Sqrt:
      return low + position * position * (high - low);
    case ScaleKind::Linear:
      return low + position * (high - low);
  }
  fail("scale {} is unknown", static_cast<int>(kind));
}

ScaleDomain domainOf(const ColourSettings& settings, ScaleQuantity quantity, const CodeHistogram& seen) {
  constexpr double kRoom = 1.25;
  if (quantity == ScaleQuantity::Difference)
    return {ScaleKind::Linear, -settings.difference_limit * kRoom, settings.difference_limit * kRoom};
  if (quantity == ScaleQuantity::Ratio)
    return {ScaleKind::Linear, -settings.ratio_limit * kRoom, settings.ratio_limit * kRoom};
  if (settings.kind == ScaleKind::Log)
    return {ScaleKind::Log, std::min(kSmallest, settings.low), std::max(1.0, settings.high)};
  return {settings.kind, 0, std::max(settings.high, largestSeen(seen)) * kRoom};
}

ColourSettings fittedTo(const CodeHistogram& seen, ColourSettings settings, double share) {
  const std::uint64_t total = std::accumulate(seen.bins.begin(), seen.bins.end(), std::uint64_t{0});
  if (total == 0) return settings;
  const double tail = (1 - share) / 2;
  const double low = settings.kind == ScaleKind::Log ? valueOfBin(binAt(seen, total, tail)) : 0;
  return withLimits(settings, low, valueOfBin(binAt(seen, total, 1 - tail)));
}

ColourSettings withLimits(ColourSettings settings, double low, double high) {
  if (low > high) std::swap(low, high);
  settings.low = std::clamp(low, settings.kind == ScaleKind::Log ? kSmallest : 0.0, 1.0);
  settings.high = std::clamp(high, kSmallest, 1.0);
  if (settings.kind == ScaleKind::Log) {
    settings.high = std::max(settings.high, settings.low * kLeastRatio);
    if (settings.high > 1) settings.low = (settings.high = 1) / kLeastRatio;
  } else if (settings.high - settings.low < kLeastWidth) {
    settings.high = settings.low + kLeastWidth;
  }
  return settings;
}

ColourSettings withKind(ColourSettings settings, ScaleKind kind) {
  settings.kind = kind;
  return withLimits(settings, kind == ScaleKind::Log && settings.low <= 0 ? settings.high * 1e-4 : settings.low,
                    settings.high);
}

}  // namespace kvatlas::views
