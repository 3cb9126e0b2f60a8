// The layout of a grid of panels (small multiples).
#pragma once

#include <QRect>
#include <cstddef>

namespace kvatlas::views {

struct PanelGrid {
  std::size_t count = 0, columns = 1;
  int left = 0, top = 0;  // of the first panel
  int panel_width = 0, panel_height = 0;
  int gap_x = 0, gap_y = 0;

  [[nodiscard]] std::size_t rows() const { return (count + columns - 1) / columns; }
  [[nodiscard]] QRect area(std::size_t panel) const;
  [[nodiscard]] int right() const { return left + static_cast<int>(columns) * (panel_width + gap_x) - gap_x; }
  [[nodiscard]] int bottom() const { return top + static_cast<int>(rows()) * (panel_height + gap_y) - gap_y; }
  [[nodiscard]] bool firstColumn(std::size_t panel) const { return panel % columns == 0; }
  [[nodiscard]] bool lowest(std::size_t panel) const { return panel + columns >= count; }  // nothing below it
};

// UsageError if panels of this width, in units, are too small to read.
void requireReadable(int panel_width);

// A panel side near `side` such that cells are whole units (300 per inch) or units whole cells, at most 6 % smaller;
// else `side`.
[[nodiscard]] int snapSide(int side, std::size_t cells);

}  // namespace kvatlas::views
