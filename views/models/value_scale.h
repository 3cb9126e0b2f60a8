// Maps values to colours: linear, log or square-root range, colour table, and separate colours for zero, masked and
// missing values.
#pragma once

#include <cstdint>
#include <vector>

#include "views/models/colour_table.h"
#include "views/models/map/value_grid.h"

namespace kvatlas::views {

enum class ScaleKind { Linear, Log, Sqrt };

// The range [low, high] of a colour bar; low > 0 for Log. Values outside saturate, and the bar marks this.
struct ValueScale {
  ScaleKind kind = ScaleKind::Linear;
  double low = 0, high = 1;
  [[nodiscard]] double position(double value) const;  // [0, 1], clamped
};

// Colours whole grids as 0xFFRRGGBB pixels.
struct Colouring {
  ColourTable table;
  ValueScale scale;
  Rgb masked, missing, missing_hatch;
  Rgb zero;  // exact zero on a log scale; a linear scale draws zero as a value

  [[nodiscard]] Rgb colourOf(float value, std::size_t row = 0, std::size_t column = 0) const;
  [[nodiscard]] std::vector<std::uint32_t> pixels(const ValueGrid& grid) const;
};

[[nodiscard]] Colouring makeColouring(const ColourTable& table, const ValueScale& scale, Theme theme);

}  // namespace kvatlas::views
