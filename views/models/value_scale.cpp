#include "views/models/value_scale.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::views {

double ValueScale::position(double value) const {
  if (kind == ScaleKind::Linear) return std::clamp((value - low) / (high - low), 0.0, 1.0);
  if (value <= low) return 0;
  if (kind == ScaleKind::Sqrt) return std::clamp(std::sqrt((value - low) / (high - low)), 0.0, 1.0);
  return std::clamp(std::log(value / low) / std::log(high / low), 0.0, 1.0);
}

Rgb Colouring::colourOf(float value, std::size_t row, std::size_t column) const {
  constexpr std::size_t kHatchPeriod = 16, kHatchWidth = 4;
  if (std::isnan(value)) return (row + column) % kHatchPeriod < kHatchWidth ? missing_hatch : missing;
  if (value < 0) return masked;
  if (value == 0 && scale.kind == ScaleKind::Log) return zero;
  return table.at(scale.position(static_cast<double>(value)));
}

std::vector<std::uint32_t> Colouring::pixels(const ValueGrid& grid) const {
  std::vector<std::uint32_t> out(grid.values.size());
  for (std::size_t r = 0; r < grid.rows; ++r) {
    for (std::size_t c = 0; c < grid.columns; ++c) {
      const Rgb colour = colourOf(grid.at(r, c), r, c);
      out[r * grid.columns + c] =
          0xFF000000U | (std::uint32_t{colour.r} << 16) | (std::uint32_t{colour.g} << 8) | colour.b;
    }
  }
  return out;
}

Colouring makeColouring(const ColourTable& table, const ValueScale& scale, Theme theme) {
  const ThemeColours& colours = themeColours(theme);
  return {table, scale, colours.paper, colours.not_captured, colours.not_captured_hatch, rgb(0x000000)};
}

}  // namespace kvatlas::views
