// Valid limits of a colour scale, and limits fitted to the visible values.
#pragma once

#include <array>
#include <cstdint>

#include "views/models/map/map_colours.h"

namespace kvatlas::views {

// Visible pixel values: 256 bins of 256 log₂ codes each; exact zeros are counted separately.
struct CodeHistogram {
  std::array<std::uint64_t, 256> bins{};
  std::uint64_t zeros = 0;
};
[[nodiscard]] double valueOfBin(std::size_t bin);  // its middle

enum class ScaleQuantity : std::uint8_t { Probability, Difference, Ratio };

// The value range of a colour control, the limits with a tail at each end, and the mapping from values to positions.
struct ScaleDomain {
  ScaleKind kind = ScaleKind::Log;
  double low = 1e-9, high = 1;
  [[nodiscard]] double position(double value) const;  // 0 … 1 inside the domain
  [[nodiscard]] double value(double position) const;  // its inverse; extrapolates outside 0 … 1
};
[[nodiscard]] ScaleDomain domainOf(const ColourSettings& settings, ScaleQuantity quantity);

// Limits around the middle `share` of the visible non-zero values. Unchanged if no value is
// visible.
[[nodiscard]] ColourSettings fittedTo(const CodeHistogram& seen, ColourSettings settings, double share = 0.98);
// Limits at two quantiles of the visible non-zero values; `low` counts on a log scale only.
[[nodiscard]] ColourSettings fittedTo(const CodeHistogram& seen, ColourSettings settings, double low, double high);
// Clamps the limits: low < high, and above zero on a log scale.
[[nodiscard]] ColourSettings withLimits(ColourSettings settings, double low, double high);
// The limits of a fresh view on the same scale.
[[nodiscard]] ColourSettings withDefaultLimits(ColourSettings settings);
[[nodiscard]] ColourSettings withKind(ColourSettings settings, ScaleKind kind);

}  // namespace kvatlas::views
