// Layouts and schedule of the tensor-core probe: where a score lies, who sums it, which ring stage it uses. Compiled
// for the device and for tests on the host.
#pragma once

#include <cstdint>

#include "kernels/cuda/pass_plan.h"
#include "kernels/cuda/tile_geometry.h"

namespace kvatlas::kernels {

inline constexpr int kKeyTile = 128;       // keys per epilogue
inline constexpr int kGroupThreads = 128;  // four warps, a warpgroup on Hopper: exclusive owner of its rows
inline constexpr int kGroups = 2;          // per block, alternating on the tensor cores
inline constexpr int kTileRows = 64;       // rows of one accumulator tile of a group: 16 per warp
inline constexpr int kBin = 16;            // a warp's rows; its column groups

// --- Operands in shared memory -----------------------------------------------------------------------------------
// 16-bit values [rows, d] are stored in panels of 64 dimensions: [panel][row][128 bytes]. Within eight rows the 16-byte
// chunks are permuted (the 128-byte swizzle of the copy engine, of wgmma and, by hand, of cp.async and ldmatrix).
inline constexpr int kPanelDims = 64;
inline constexpr int kPanelRowBytes = 128;
inline constexpr int kSwizzleRows = 8;

KVATLAS_HOST_DEVICE constexpr int panelsOf(int head_dim) {
  return (head_dim + kPanelDims - 1) / kPanelDims;
}
KVATLAS_HOST_DEVICE constexpr int operandBytes(int rows, int head_dim) {
  return panelsOf(head_dim) * rows * kPanelRowBytes;
}
// Byte offset of 16-byte chunk `chunk` (0…7) of a row within its panel.
KVATLAS_HOST_DEVICE constexpr int swizzledChunk(int row, int chunk) {
  return row * kPanelRowBytes + ((chunk ^ (row % kSwizzleRows)) * 16);
}
// Byte offset of element (row, dimension); the operand starts at a multiple of 1024 bytes.
KVATLAS_HOST_DEVICE constexpr int operandOffset(int rows, int row, int dimension) {
  const int within = dimension % kPanelDims;
  return dimension / kPanelDims * rows * kPanelRowBytes + swizzledChunk(row, within / 8) + within % 8 * 2;
}

// wgmma's matrix descriptor of a K-major operand with the 128-byte swizzle: start address in bits 0–13, stride between
// groups of eight rows in bits 32–45, both in units of 16 bytes, layout 1 in bits 62–63. The leading offset (16–29) is
// ignored by this layout and is 1 by convention.
KVATLAS_HOST_DEVICE constexpr std::uint64_t matrixDescriptor(std::uint32_t shared_address) {
  return (std::uint64_t{shared_address & 0x3FFFFU} >> 4) | std::uint64_t{1} << 16 |
         std::uint64_t{kSwizzleRows * kPanelRowBytes / 16} << 32 | std::uint64_t{1} << 62;
}
// Byte offset of step `step` of 16 dimensions within the operand.
KVATLAS_HOST_DEVICE constexpr int depthStepOffset(int rows, int step) {
  constexpr int kStepsPerPanel = kPanelDims / 16;
  return step / kStepsPerPanel * rows * kPanelRowBytes + step % kStepsPerPanel * 32;
}

// ldmatrix: the row and the first dimension (0 or 8) of a depth step whose address lane `lane` supplies.
struct MatrixRow {
  int row;
  int dimension;
};
KVATLAS_HOST_DEVICE constexpr MatrixRow queryFragmentRow(int lane) {  // 16 queries × 16 dimensions
  return {lane % 8 + lane / 8 % 2 * 8, lane / 16 * 8};
}
KVATLAS_HOST_DEVICE constexpr MatrixRow keyFragmentRow(int lane) {  // 2 × 8 keys × 16 dimensions
  return {lane % 8 + lane / 16 * 8, lane / 8 % 2 * 8};
}

// --- Accumulators ------------------------------------------------------------------------------------------------
// Same layout for mma.m16n8 and wgmma.m64n128: element `index` of a thread's 64, within the warp's 16 rows × 128 keys.
KVATLAS_HOST_DEVICE constexpr int accumulatorRow(int lane, int index) {
  return lane / 4 + index / 2 % 2 * 8;
}
KVATLAS_HOST_DEVICE constexpr int accumulatorKey(int lane, int index) {
  return index / 4 * 8 + lane % 4 * 2 + index % 2;
}

// Halving butterfly over the lanes of equal lane % 4: each starts with 32 column sums (two per 8 keys) and ends with
// four, summed over all rows. The key of the i-th of them:
KVATLAS_HOST_DEVICE constexpr int keptColumn(int lane, int i) {
  return lane / 4 * kBin + i / 2 * 8 + lane % 4 * 2 + i % 2;
}
// --- Work ---------------------------------------------------------------------------------------------------------
// Key tiles of the queries [first, first + rows).
KVATLAS_HOST_DEVICE constexpr TokenRange keyTilesOfRows(std::size_t first, std::size_t rows, std::size_t tokens,
                                                        std::size_t sliding_window) {
  return {firstVisibleKey(first, sliding_window) / kKeyTile, divideUp(smaller(tokens, first + rows), kKeyTile)};
}
// Whether every query sees every key of the tile, so that no masking is needed.
KVATLAS_HOST_DEVICE constexpr bool tileWhollyVisible(std::size_t first, std::size_t rows, std::size_t tile,
                                                     std::size_t tokens, std::size_t sliding_window) {
  return first + rows <= tokens && (tile + 1) * kKeyTile <= first + 1 &&
         firstVisibleKey(first + rows - 1, sliding_window) <= tile * kKeyTile;
}

// The keys of a tile that a query sees, relative to the tile's first: [begin, end), empty past the last token.
struct KeySpan {
  int begin;
  int end;
};
KVATLAS_HOST_DEVICE constexpr KeySpan visibleKeys(std::size_t query, std::size_t tile, std::size_t tokens,
                                                  std::size_t sliding_window) {
  const std::size_t first = tile * kKeyTile;
  if (query >= tokens || query < first) {
    return {0, 0};
  }
  const std::size_t begin = larger(firstVisibleKey(query, sliding_window), first) - first;
  return {static_cast<int>(smaller(begin, kKeyTile)), static_cast<int>(smaller(query + 1 - first, kKeyTile))};
}

// Groups complete map cells within their rows × 128 keys; larger cells are pooled from cells of this size.
KVATLAS_HOST_DEVICE constexpr std::size_t baseCell(std::size_t cell, std::size_t group_rows) {
  return smaller(cell, smaller(group_rows, kKeyTile));
}

// --- Ring of stages -----------------------------------------------------------------------------------------------
// The stage and barrier phase of a thread block's n-th tile.
struct RingSlot {
  int stage;
  unsigned phase;
};
KVATLAS_HOST_DEVICE constexpr RingSlot ringSlot(std::uint32_t n, int stages) {
  return {static_cast<int>(n % static_cast<std::uint32_t>(stages)), n / static_cast<std::uint32_t>(stages) % 2};
}
// A wait for parity p returns once the phase of parity p is complete; a fresh barrier counts as having completed
// phase 1. So consumers wait for `phase`, and the producer, to reuse the stage, for the other.
KVATLAS_HOST_DEVICE constexpr unsigned freePhase(unsigned phase) {
  return phase ^ 1U;
}
// Ping-pong: group 0 may start its n-th product once group 1 has started its (n − 1)-th, group 1 once group 0 has
// started its n-th. The parity to wait for on the group's own barrier.
KVATLAS_HOST_DEVICE constexpr unsigned turnPhase(int group, std::uint32_t n) {
  return group == 0 ? (n % 2) ^ 1U : n % 2;
}

// --- Workspace ----------------------------------------------------------------------------------------------------
struct TensorWorkspace {
  std::size_t lse = 0;       // f32 [query_heads, N]
  std::size_t columns = 0;   // f32 [pass_heads, stripes, groups, N]
  std::size_t base_sum = 0;  // f32 [pass_heads, base cells, base cells], only for pooled cells
  std::size_t base_max = 0;
  std::size_t failed = 0;  // u32
  std::size_t bytes = 0;
  std::size_t pass_heads = 0, stripes = 0, blocks = 0, base = 0, base_cells = 0;
};

KVATLAS_HOST_DEVICE constexpr std::size_t alignedBytes(std::size_t bytes) {
  return divideUp(bytes, 256) * 256;
}

constexpr TensorWorkspace tensorWorkspace(std::size_t query_heads, std::size_t tokens, std::size_t cell,
                                          std::size_t group_rows) {
  TensorWorkspace w;
  w.blocks = divideUp(tokens, group_rows * kGroups);
  w.base = cell == 0 ? 0 : baseCell(cell, group_rows);
  w.base_cells = mapCells(tokens, w.base);
  const std::size_t stripe_bytes = kGroups * tokens * sizeof(float);
  const std::size_t map_bytes = w.base < cell ? alignedBytes(w.base_cells * w.base_cells * sizeof(float)) : 0;
  const PassPlan plan = planPasses(query_heads, w.blocks, stripe_bytes, 2 * map_bytes + 256);
  w.stripes = plan.stripes;
  w.pass_heads = plan.pass_heads;
  const std::size_t column_bytes = alignedBytes(w.stripes * stripe_bytes);
  w.columns = alignedBytes(query_heads * tokens * sizeof(float));
  w.base_sum = w.columns + w.pass_heads * column_bytes;
  w.base_max = w.base_sum + w.pass_heads * map_bytes;
  w.failed = w.base_max + w.pass_heads * map_bytes;
  w.bytes = w.failed + 256;
  return w;
}

}  // namespace kvatlas::kernels
