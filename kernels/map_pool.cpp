#include "kernels/map_pool.h"

#include <algorithm>

#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

namespace {

// Coarse columns of a coarse row whose four fine cells are complete and fully visible.
TokenRange wholeColumns(const MapGeometry& fine, std::size_t row) {
  const std::size_t cell = 2 * fine.cell;
  const std::size_t end = (row + 1) * cell;
  if (end > fine.tokens) {
    return {};
  }
  const std::size_t first = divideUp(firstVisibleKey(end - 1, fine.sliding_window), cell);
  return {smaller(first, row), row};
}

template <typename Combine>
float combineCell(const MapGeometry& geometry, const float* fine, std::size_t row, std::size_t column,
                  const Combine& combine) {
  const std::size_t n = geometry.cells();
  typename Combine::State state;
  for (std::size_t r = 2 * row; r < std::min(n, 2 * row + 2); ++r) {
    for (std::size_t c = 2 * column; c < std::min(n, 2 * column + 2); ++c) {
      combine.add(state, r, c, fine[r * n + c]);
    }
  }
  return combine.value(state);
}

// Walks the coarse map on and below its diagonal; the rest is 0. Counts visible pairs only in cells at an edge of the
// visible band.
template <typename Combine>
void coarsen(const MapGeometry& geometry, const float* fine, float* coarse, const Combine& combine) {
  const std::size_t n = geometry.cells();
  const std::size_t m = (n + 1) / 2;
  for (std::size_t row = 0; row < m; ++row) {
    float* const out = coarse + row * m;
    const TokenRange whole = wholeColumns(geometry, row);
    for (std::size_t column = 0; column < whole.begin; ++column) {
      out[column] = combineCell(geometry, fine, row, column, combine);
    }
    const float* const upper = fine + 2 * row * n;
    for (std::size_t column = whole.begin; column < whole.end; ++column) {
      const float* const cells = upper + 2 * column;
      out[column] = Combine::whole(cells[0], cells[1], cells[n], cells[n + 1]);
    }
    for (std::size_t column = whole.end; column <= row; ++column) {
      out[column] = combineCell(geometry, fine, row, column, combine);
    }
    std::fill(out + row + 1, out + m, 0.0F);
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
  // Four equal weights, a power of two: the same bits as weighting each.
  static float whole(float a, float b, float c, float d) {
    const double sum =
        static_cast<double>(a) + static_cast<double>(b) + static_cast<double>(c) + static_cast<double>(d);
    return static_cast<float>(0.25 * sum);
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
  static float whole(float a, float b, float c, float d) { return std::max({0.0F, a, b, c, d}); }
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
