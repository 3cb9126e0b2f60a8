// A matrix of values with masked and missing cells, and its honest reduction to pixels; arrays only, no Qt Gui.
#pragma once

#include <cstddef>
#include <vector>

namespace kvatlas::views {

// A cell that no (query, key) pair can fill: above the diagonal, outside the sliding window. Not zero and not missing.
inline constexpr float kMasked = -1.0F;
// A missing cell (not captured, not finished) is NaN.

enum class Pooling { Mean, Max };

// Row-major [rows, columns]. The last row and column may be cut: row_span and column_span are the covered cells, in
// (rows − 1, rows] and (columns − 1, columns].
struct ValueGrid {
  std::size_t rows = 0, columns = 0;
  double row_span = 0, column_span = 0;
  std::vector<float> values;
  std::vector<float> weights;  // [rows, columns] for means (visible pairs of each cell); empty: all equal

  [[nodiscard]] static ValueGrid filled(std::size_t rows, std::size_t columns, float value);
  [[nodiscard]] float at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
  [[nodiscard]] float& at(std::size_t row, std::size_t column) { return values[row * columns + column]; }
  [[nodiscard]] bool missing() const { return values.empty(); }
};

// The grid at `rows` × `columns` pixels. Where a pixel covers several cells it is their max or weighted mean, each cell
// belonging to exactly one pixel, so that no single-token stripe is ever dropped; where a cell covers several pixels it
// is repeated. Masked and missing cells take part only where nothing else is in the pixel.
[[nodiscard]] ValueGrid resample(const ValueGrid& grid, std::size_t rows, std::size_t columns, Pooling pooling);

}  // namespace kvatlas::views
