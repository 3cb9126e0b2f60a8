// A matrix of values with masked and missing cells, and its resampling to pixels; no Qt Gui.
#pragma once

#include <cstddef>
#include <vector>

namespace kvatlas::views {

// A cell without a visible (query, key) pair: above the diagonal or outside the sliding window. Neither zero nor
// missing.
inline constexpr float kMasked = -1.0F;
// A missing cell (not captured, not finished) is NaN.

enum class Pooling { Mean, Max };

// Row-major [rows, columns]. The last row and column may be partial: row_span and column_span are the covered cells,
// in (rows − 1, rows] and (columns − 1, columns].
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

// Resamples to `rows` × `columns` pixels. A pixel that covers several cells is their max or weighted mean, and each
// cell belongs to exactly one pixel, so that no single-token stripe is lost; a cell that covers several pixels is
// repeated. Masked and missing cells count only if a pixel has no other cells.
[[nodiscard]] ValueGrid resample(const ValueGrid& grid, std::size_t rows, std::size_t columns, Pooling pooling);

}  // namespace kvatlas::views
