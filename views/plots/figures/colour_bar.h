// The colour bar beside a map: the full range with ticks, units and saturating ends.
#pragma once

#include <string>
#include <vector>

#include "views/models/value_scale.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {

struct ColourBar {
  std::vector<ColourTable> tables;  // side by side if panels have different colours
  ValueScale scale;
  bool saturates_low = false, saturates_high = false;  // the ends include values beyond
  std::string label;                                   // quantity and unit
};

// Width from the bar's left edge to the end of its label.
[[nodiscard]] int colourBarWidth(const ColourBar& bar);
// Vertical, high values at the top.
void drawColourBar(Canvas& canvas, const ColourBar& bar, const QPoint& top_left, int height);

}  // namespace kvatlas::views
