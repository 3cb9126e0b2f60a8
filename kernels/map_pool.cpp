#include "kernels/map_pool.h"

#include <algorithm>

#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

namespace {

// Walks the coarse map and hands each coarse cell its up to four fine cells.
template <typename Combine>
void coarsen(const MapGeometry& fine_geometry, const float* fine, float* coarse, const Combine& combine) {
  const std::size_t n = fine_geometry.cells();
  const std::size_t m = (n + 1) / 2;
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t column = 0; column < m; ++column) {
      typename Combine::State state;
      for (std::size_t r = 2 * row; r < std::min(n, 2 * row + 2); ++r) {
        for (std::size_t c = 2 * column; c < std::min(n, 2 * column + 2); ++c) {
          combine.add(state, r, c, fine[r * n + c]);
        }
      }
      coarse[row * m + column] = combine.value(state);
    }
  }
}

struct MeanCombine {
  struct State {
    double sum = 0;
    std::size_t pairs = 0;
  };
  const MapGeometry& geometry;
  void add(State& state, std::size_t row, std::size_t column, float mean) const {
    const std::size_t pairs = visiblePairs(geometry, row, column);
    state.sum += static_cast<double>(mean) * static_cast<double>(pairs);
    state.pairs += pairs;
  }
  static float value(const State& state) {
    return state.pairs == 0 ? 0.0F : static_cast<float>(state.sum / static_cast<double>(state.pairs));
  }
};

struct MaxCombine {
  struct State {
    float max = 0;
  };
  static void add(State& state, std::size_t, std::size_t, float max) { state.max = std::max(state.max, max); }
  static float value(const State& state) { return state.max; }
};

}  // namespace

std::size_t visiblePairs(const MapGeometry& geometry, std::size_t row, std::size_t column) {
  return countVisiblePairs(cellTokens(row, geometry.cell, geometry.tokens),
                           cellTokens(column, geometry.cell, geometry.tokens), geometry.sliding_window);
}

void coarsenMean(const MapGeometry& geometry, const float* fine, float* coarse) {
  coarsen(geometry, fine, coarse, MeanCombine{geometry});
}

void coarsenMax(const MapGeometry& geometry, const float* fine, float* coarse) {
  coarsen(geometry, fine, coarse, MaxCombine{});
}

}  // namespace kvatlas::kernels
