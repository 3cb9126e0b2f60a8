#include "views/models/map/colour_limits.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "kernels/log2_codec.h"

namespace kvatlas::views {
namespace {

constexpr double kSmallest = 1e-9, kLeastRatio = 1.5, kLeastWidth = 1e-6;

// The bin below which a fraction `share` of the values lie.
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
  switch (kind) {
    case ScaleKind::Log:
      return low * std::pow(high / low, position);
    case ScaleKind::Sqrt:
      return low + position * std::abs(position) * (high - low);
    case ScaleKind::Linear:
      return low + position * (high - low);
  }
  fail("scale {} is unknown", static_cast<int>(kind));
}

ScaleDomain domainOf(const ColourSettings& settings, ScaleQuantity quantity) {
  constexpr double kTail = 0.12;  // of the range between the limits
  const double symmetric = quantity == ScaleQuantity::Difference ? settings.difference_limit : settings.ratio_limit;
  if (quantity != ScaleQuantity::Probability)
    return {ScaleKind::Linear, -symmetric * (1 + 2 * kTail), symmetric * (1 + 2 * kTail)};
  if (settings.kind == ScaleKind::Log) {
    const double tail = std::pow(settings.high / settings.low, kTail);
    return {ScaleKind::Log, std::max(settings.low / tail, kSmallest / 2), settings.high * tail};
  }
  const double tail = (settings.high - settings.low) * kTail;
  return {settings.kind, std::max(settings.low - tail, 0.0), settings.high + tail};
}

ColourSettings withDefaultLimits(ColourSettings settings) {
  const ColourSettings fresh;
  settings.difference_limit = fresh.difference_limit;
  settings.ratio_limit = fresh.ratio_limit;
  return withLimits(settings, settings.kind == ScaleKind::Log ? fresh.low : 0, fresh.high);
}

ColourSettings fittedTo(const CodeHistogram& seen, ColourSettings settings, double share) {
  return fittedTo(seen, settings, (1 - share) / 2, (1 + share) / 2);
}

ColourSettings fittedTo(const CodeHistogram& seen, ColourSettings settings, double low, double high) {
  const std::uint64_t total = std::accumulate(seen.bins.begin(), seen.bins.end(), std::uint64_t{0});
  if (total == 0) return settings;
  const double least = settings.kind == ScaleKind::Log ? valueOfBin(binAt(seen, total, low)) : 0;
  return withLimits(settings, least, valueOfBin(binAt(seen, total, high)));
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
