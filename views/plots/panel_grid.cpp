#include "views/plots/panel_grid.h"

namespace kvatlas::views {

QRect PanelGrid::area(std::size_t panel) const {
  const int column = static_cast<int>(panel % columns), row = static_cast<int>(panel / columns);
  return {left + column * (panel_width + gap_x), top + row * (panel_height + gap_y), panel_width, panel_height};
}

int snapSide(int side, std::size_t cells) {
  const int n = static_cast<int>(cells);
  if (n <= 0) return side;
  int snapped = n <= side ? n * (side / n) : side;
  if (n > side) {
    const int factor = (n + side - 1) / side;
    if (n % factor == 0) snapped = n / factor;
  }
  return snapped * 100 >= side * 94 ? snapped : side;
}

}  // namespace kvatlas::views
