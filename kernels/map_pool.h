// Pools a causal attention map into the next coarser level.
#pragma once

#include <cstddef>

namespace kvatlas::kernels {

// Geometry of one map level: n = ⌈tokens/cell⌉ cells per side; sliding_window as in ProbeShape.
struct MapGeometry {
  std::size_t tokens = 0;
  std::size_t cell = 0;
  std::size_t sliding_window = 0;
  [[nodiscard]] std::size_t cells() const { return (tokens + cell - 1) / cell; }
};

// Visible (query, key) pairs inside cell (row, column).
[[nodiscard]] std::size_t visiblePairs(const MapGeometry& geometry, std::size_t row, std::size_t column);

// [n, n] at geometry.cell → [m, m] at 2·cell. Means are weighted by visible pairs.
void coarsenMean(const MapGeometry& geometry, const float* fine, float* coarse);
void coarsenMax(const MapGeometry& geometry, const float* fine, float* coarse);

}  // namespace kvatlas::kernels
