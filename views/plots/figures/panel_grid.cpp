#include "views/plots/figures/panel_grid.h"

#include "core/base/error.h"

namespace kvatlas::views {

QRect PanelGrid::area(std::size_t panel) const {
  const int column = static_cast<int>(panel % columns), row = static_cast<int>(panel / columns);
  return {left + column * (panel_width + gap_x), top + row * (panel_height + gap_y), panel_width, panel_height};
}

void requireReadable(int panel_width) {
  constexpr int kLeast = 120;  // 0.4 inch
  if (panel_width < kLeast)
    failUsage("the panels would be narrower than 0.4 in; choose fewer --columns or a larger --width");
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
