// Which keys a query sees and how many visible pairs a rectangle holds; compiled for the host and for CUDA.
#pragma once

#include <cstddef>

#ifdef __CUDACC__
#define KVATLAS_HOST_DEVICE __host__ __device__
#else
#define KVATLAS_HOST_DEVICE
#endif

namespace kvatlas::kernels {

KVATLAS_HOST_DEVICE constexpr std::size_t smaller(std::size_t a, std::size_t b) {
  return b < a ? b : a;
}
KVATLAS_HOST_DEVICE constexpr std::size_t larger(std::size_t a, std::size_t b) {
  return a < b ? b : a;
}
KVATLAS_HOST_DEVICE constexpr std::size_t divideUp(std::size_t a, std::size_t b) {
  return (a + b - 1) / b;
}

// The first key a query sees; the last is the query itself. sliding_window 0: none.
KVATLAS_HOST_DEVICE constexpr std::size_t firstVisibleKey(std::size_t query, std::size_t sliding_window) {
  return sliding_window > 0 && query + 1 > sliding_window ? query + 1 - sliding_window : 0;
}

// One past the last query that sees any of the keys below key_end.
KVATLAS_HOST_DEVICE constexpr std::size_t lastQueryEnd(std::size_t key_end, std::size_t tokens,
                                                       std::size_t sliding_window) {
  return sliding_window == 0 ? tokens : smaller(tokens, key_end - 1 + sliding_window);
}

struct TokenRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Visible pairs of queries × keys. Counts row by row only at an edge of the visible band.
KVATLAS_HOST_DEVICE constexpr std::size_t countVisiblePairs(TokenRange queries, TokenRange keys,
                                                            std::size_t sliding_window) {
  if (queries.begin >= queries.end || keys.begin >= keys.end || keys.begin >= queries.end) {
    return 0;
  }
  const bool below_diagonal = keys.end <= queries.begin + 1;
  const bool inside_band = firstVisibleKey(queries.end - 1, sliding_window) <= keys.begin;
  if (below_diagonal && inside_band) {
    return (queries.end - queries.begin) * (keys.end - keys.begin);
  }
  if (firstVisibleKey(queries.begin, sliding_window) >= keys.end) {
    return 0;
  }
  std::size_t pairs = 0;
  for (std::size_t query = queries.begin; query < queries.end; ++query) {
    const std::size_t end = smaller(keys.end, query + 1);
    const std::size_t begin = larger(keys.begin, firstVisibleKey(query, sliding_window));
    pairs += end > begin ? end - begin : 0;
  }
  return pairs;
}

// The tokens of map cell `index`; empty past the end.
KVATLAS_HOST_DEVICE constexpr TokenRange cellTokens(std::size_t index, std::size_t cell, std::size_t tokens) {
  return {smaller(tokens, index * cell), smaller(tokens, (index + 1) * cell)};
}

}  // namespace kvatlas::kernels
