// A figure of one grid of coloured cells with a colour bar, one row a layer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "views/plots/figures/colour_bar.h"
#include "views/plots/figures/figure.h"

namespace kvatlas::views {

struct CellGrid {
  ValueGrid values;  // [layers, columns]
  std::string column_title;
  ColourBar bar;
  std::vector<std::string> notes;
  std::function<std::string(double)> number;  // what a cell says where there is room; empty: nothing
  const char* widest = "";                    // of these
};

// UsageError where the panel would be too small to read.
[[nodiscard]] Figure drawCellGrid(const FigureHead& head, const CellGrid& grid, const FigureSpec& spec);

}  // namespace kvatlas::views
