// Needle grids as panels: depth × context length, columns by method, rows by budget; no Qt Gui.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/results/reader.h"
#include "views/models/figures/branch_name.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/map/value_grid.h"

namespace kvatlas::views {

struct NeedlePanel {
  BranchName branch;
  std::string title;  // "PyramidKV"
  std::size_t row = 0, column = 0;
  ValueGrid grid;  // [depths, lengths], depth 0 at the top; NaN where no case was run
  std::size_t records = 0;
  double average = 0;  // over records; NaN if none
  double kept = 0;     // tokens per head, mean over records
};

struct NeedleChart {
  std::vector<std::uint64_t> lengths;  // ascending
  std::vector<double> depths;          // percent, ascending
  std::vector<std::string> budgets;    // one per row, ascending by nominal size
  std::size_t rows = 1, columns = 1;
  std::vector<NeedlePanel> panels;  // the full cache first
};

// Error if no case is finished; UsageError for runs, budgets or a score that are not in the results.
[[nodiscard]] NeedleChart needleChart(const results::ResultsReader& reader, const FigureSpec& spec);

}  // namespace kvatlas::views
