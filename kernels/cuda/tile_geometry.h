// Index arithmetic of the CUDA probe, compiled for the device and for tests on the host.
#pragma once

#include <cstdint>

#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

// A block computes tiles of kTile queries × kTile keys, a thread kPerThread × kPerThread of them.
inline constexpr int kTile = 64;
inline constexpr int kPerThread = 4;
inline constexpr int kSide = kTile / kPerThread;  // threads along each side of a tile

// Key tiles visible to any query of the tile: [begin, end).
KVATLAS_HOST_DEVICE constexpr TokenRange keyTilesOf(std::size_t query_tile, std::size_t tokens,
                                                    std::size_t sliding_window) {
  const std::size_t first_query = query_tile * kTile;
  const std::size_t queries_end = smaller(tokens, first_query + kTile);
  return {firstVisibleKey(first_query, sliding_window) / kTile, divideUp(queries_end, kTile)};
}

// Query tiles that see any key of the tile: [begin, end).
KVATLAS_HOST_DEVICE constexpr TokenRange queryTilesOf(std::size_t key_tile, std::size_t tokens,
                                                      std::size_t sliding_window) {
  const std::size_t keys_end = smaller(tokens, (key_tile + 1) * kTile);
  return {key_tile, divideUp(lastQueryEnd(keys_end, tokens, sliding_window), kTile)};
}

KVATLAS_HOST_DEVICE constexpr bool isVisible(std::size_t query, std::size_t key, std::size_t tokens,
                                             std::size_t sliding_window) {
  return query < tokens && key <= query && key >= firstVisibleKey(query, sliding_window);
}

// Map cells up to a tile's size lie within one tile. Larger cells are first summed per key tile, into rows of
// partialColumns values, then over the key tiles of a cell.
KVATLAS_HOST_DEVICE constexpr bool cellInsideTile(std::size_t cell) {
  return cell <= kTile;
}
KVATLAS_HOST_DEVICE constexpr std::size_t mapCells(std::size_t tokens, std::size_t cell) {
  return cell == 0 ? 0 : divideUp(tokens, cell);
}
KVATLAS_HOST_DEVICE constexpr std::size_t partialColumns(std::size_t tokens) {
  return divideUp(tokens, kTile);
}

// Byte offsets of the probe's workspace.
struct ProbeWorkspace {
  std::size_t top = 0;          // f32 [query_heads, N]
  std::size_t inverse_sum = 0;  // f32 [query_heads, N]
  std::size_t partial_sum = 0;  // f32 [query_heads, cells, key tiles], only for cells larger than a tile
  std::size_t partial_max = 0;
  std::size_t bytes = 0;
};

KVATLAS_HOST_DEVICE constexpr ProbeWorkspace probeWorkspace(std::size_t query_heads, std::size_t tokens,
                                                            std::size_t cell) {
  ProbeWorkspace w;
  const std::size_t row_bytes = divideUp(query_heads * tokens * sizeof(float), 256) * 256;
  const std::size_t partial = cell == 0 || cellInsideTile(cell)
                                  ? 0
                                  : query_heads * mapCells(tokens, cell) * partialColumns(tokens) * sizeof(float);
  const std::size_t partial_bytes = divideUp(partial, 256) * 256;
  w.inverse_sum = row_bytes;
  w.partial_sum = 2 * row_bytes;
  w.partial_max = w.partial_sum + partial_bytes;
  w.bytes = w.partial_max + partial_bytes;
  return w;
}

}  // namespace kvatlas::kernels
