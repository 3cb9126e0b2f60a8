// Colour tables for continuous values (viridis, magma, cividis, grey, ramps to one colour); no Qt Gui.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "views/models/palette.h"

namespace kvatlas::views {

// 256 colours, dark or pale first. at(t): t in [0, 1], clamped, nearest entry round(255 t).
struct ColourTable {
  std::array<Rgb, 256> entries{};
  [[nodiscard]] Rgb at(double t) const;
};

// UsageError for an unknown name; it suggests the nearest ones.
[[nodiscard]] const ColourTable& colourTable(std::string_view name);
[[nodiscard]] std::vector<std::string> colourTableNames();
// Scores from 0 to 1 as the published needle grids show them: red, yellow, green.
[[nodiscard]] const ColourTable& scoreTable();
// A ramp from the page colour to `colour`, for the marks of one method.
[[nodiscard]] ColourTable rampTo(Rgb from, Rgb colour);

}  // namespace kvatlas::views
