#include "kernels/map_pool.h"

#include <algorithm>

namespace kvatlas::kernels {

namespace {

// Keys of [first, last) that query sees.
std::size_t visibleKeys(const MapGeometry& geometry, std::size_t query, std::size_t first, std::size_t last) {
  const std::size_t end = std::min(last, query + 1);
  const bool banded = geometry.sliding_window > 0 && query + 1 > geometry.sliding_window;
  const std::size_t begin = std::max(first, banded ? query + 1 - geometry.sliding_window : 0);
  return end > begin ? end - begin : 0;
}

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
  const std::size_t query_begin = row * geometry.cell;
  const std::size_t query_end = std::min(geometry.tokens, query_begin + geometry.cell);
  const std::size_t key_begin = column * geometry.cell;
  const std::size_t key_end = std::min(geometry.tokens, key_begin + geometry.cell);
  if (query_begin >= query_end || key_begin >= key_end || key_begin >= query_end) {
    return 0;
  }
  // Only the cells on the two edges of the visible band need a walk over their rows.
  const bool below_diagonal = key_end <= query_begin + 1;
  const bool inside_band = geometry.sliding_window == 0 || key_begin + geometry.sliding_window >= query_end;
  if (below_diagonal && inside_band) {
    return (query_end - query_begin) * (key_end - key_begin);
  }
  if (geometry.sliding_window > 0 && key_end + geometry.sliding_window <= query_begin + 1) {
    return 0;
  }
  std::size_t pairs = 0;
  for (std::size_t query = query_begin; query < query_end; ++query) {
    pairs += visibleKeys(geometry, query, key_begin, key_end);
  }
  return pairs;
}

void coarsenMean(const MapGeometry& geometry, const float* fine, float* coarse) {
  coarsen(geometry, fine, coarse, MeanCombine{geometry});
}

void coarsenMax(const MapGeometry& geometry, const float* fine, float* coarse) {
  coarsen(geometry, fine, coarse, MaxCombine{});
}

}  // namespace kvatlas::kernels
