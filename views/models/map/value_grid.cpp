#include "views/models/map/value_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kvatlas::views {
namespace {

struct CellRange {
  std::size_t begin = 0, end = 0;
};

// The cells of pixel p out of `pixels` over `span` cells (`cells` of them, the last may be partial).
std::vector<CellRange> cellRanges(std::size_t pixels, double span, std::size_t cells) {
  std::vector<CellRange> ranges(pixels);
  const double step = span / static_cast<double>(pixels);
  for (std::size_t p = 0; p < pixels; ++p) {
    if (step <= 1) {  // repeat: the cell under the pixel's centre
      const auto cell = std::min(static_cast<std::size_t>((static_cast<double>(p) + 0.5) * step), cells - 1);
      ranges[p] = {cell, cell + 1};
      continue;
    }
    // The slack absorbs rounding errors of p·step near integers.
    const auto edge = [&](std::size_t q) { return static_cast<std::size_t>(static_cast<double>(q) * step + 1e-9); };
    const std::size_t begin = std::min(edge(p), cells - 1);
    ranges[p] = {begin, p + 1 == pixels ? cells : std::clamp(edge(p + 1), begin + 1, cells)};
  }
  return ranges;
}

float reduceCells(const ValueGrid& grid, CellRange rows, CellRange columns, Pooling pooling) {
  bool any = false, missing = false;
  float largest = 0;
  double sum = 0, total = 0;
  for (std::size_t r = rows.begin; r < rows.end; ++r) {
    for (std::size_t c = columns.begin; c < columns.end; ++c) {
      const float value = grid.at(r, c);
      if (std::isnan(value)) missing = true;
      if (!(value >= 0)) continue;
      const double weight = grid.weights.empty() ? 1.0 : grid.weights[r * grid.columns + c];
      largest = any ? std::max(largest, value) : value;
      any = true;
      sum += weight * value;
      total += weight;
    }
  }
  if (!any) return missing ? std::numeric_limits<float>::quiet_NaN() : kMasked;
  if (pooling == Pooling::Max) return largest;
  return total > 0 ? static_cast<float>(sum / total) : kMasked;
}

}  // namespace

ValueGrid ValueGrid::filled(std::size_t rows, std::size_t columns, float value) {
  ValueGrid grid{rows, columns, static_cast<double>(rows), static_cast<double>(columns), {}, {}};
  grid.values.assign(rows * columns, value);
  return grid;
}

ValueGrid resample(const ValueGrid& grid, std::size_t rows, std::size_t columns, Pooling pooling) {
  ValueGrid out = ValueGrid::filled(rows, columns, kMasked);
  const auto row_ranges = cellRanges(rows, grid.row_span, grid.rows);
  const auto column_ranges = cellRanges(columns, grid.column_span, grid.columns);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      out.at(r, c) = reduceCells(grid, row_ranges[r], column_ranges[c], pooling);
  return out;
}

}  // namespace kvatlas::views
