// Where the panels of a small-multiples figure lie; arithmetic only.
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

// UsageError when panels of this width, in units, would be too small to read.
void requireReadable(int panel_width);

// A side near `side` on which `cells` fall on whole units (300 per inch) or whole units on cells, at most 6 % smaller;
// `side` itself where there is none.
[[nodiscard]] int snapSide(int side, std::size_t cells);

}  // namespace kvatlas::views
