// The probe's kernels on the device and their jobs.
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/tensor_tile.h"
#include "kernels/cuda/tile_geometry.h"

namespace kvatlas::kernels {

// The caller's probe with the workspace split into its arrays. Passed to kernels by value.
struct ProbeJob {
  KvatlasCudaProbe probe;
  float log2_scale;
  float* top;          // [query_heads, N] largest unscaled logit, or lse / scale when given
  float* inverse_sum;  // [query_heads, N]
  float* partial_sum;  // [query_heads, cells, key tiles] for cells larger than a tile
  float* partial_max;
  size_t cells;
};

// Additional arguments of the tensor-core kernels: one pass over heads [first_head, first_head + heads).
struct TensorJob {
  KvatlasCudaProbe probe;
  float log2_scale;
  const float* lse;            // [query_heads, N]
  float* columns;              // [heads, stripes, groups, N]; null when no column sums are wanted
  float *base_sum, *base_max;  // [heads, base_cells, base_cells]; null when the map's own cells are written directly
  unsigned* failed;            // not 0: a wait timed out
  size_t first_head, heads, stripes, blocks, base, base_cells;
};

#ifdef __CUDACC__
#define KVATLAS_DEVICE __device__
#else
#define KVATLAS_DEVICE
#endif

KVATLAS_DEVICE inline void reportBad(const KvatlasCudaProbe& probe, size_t head, size_t query) {
  // The smallest of all reports, so the order does not matter.
  atomicMin(reinterpret_cast<unsigned long long*>(probe.first_bad),
            static_cast<unsigned long long>(head * probe.tokens + query));
}

KVATLAS_DEVICE inline void writeCell(const KvatlasCudaProbe& probe, size_t cells, size_t head, size_t row,
                                     size_t column, float sum, float max) {
  if (row >= cells || column >= cells) {
    return;
  }
  const size_t at = (head * cells + row) * cells + column;
  if (probe.map_mean != nullptr) {
    const size_t pairs = countVisiblePairs(cellTokens(row, probe.cell, probe.tokens),
                                           cellTokens(column, probe.cell, probe.tokens), probe.sliding_window);
    probe.map_mean[at] = pairs == 0 ? 0.0F : sum / static_cast<float>(pairs);
  }
  if (probe.map_max != nullptr) {
    probe.map_max[at] = max;
  }
}

// Row normalisers and entropy: one block per query tile, longest first. Without `sweep` it only copies a given lse.
void launchNormalisers(const ProbeJob& job, bool sweep, cudaStream_t stream);
// Column sums, window rows and maps: one block per key tile, longest first. Null outputs cost nothing; with
// `window_only` it visits only the last queries' tiles.
void launchStatistics(const ProbeJob& job, bool window_only, cudaStream_t stream);

// Tensor cores: entropy, column sums and map cells of one pass, given the rows' lse. Error text or null.
const char* launchMma(const TensorJob& job, cudaStream_t stream);
const char* launchWgmma(const TensorJob& job, cudaStream_t stream);
// Adds the stripes' column sums in order and pools base cells.
void launchFold(const TensorJob& job, cudaStream_t stream);

inline void clear(float* target, size_t count, cudaStream_t stream) {
  if (target != nullptr) {
    cudaMemsetAsync(target, 0, count * sizeof(float), stream);
  }
}

int mmaSharedBytes(size_t head_dim);  // dynamic shared memory of a block

inline constexpr size_t kMmaGroupRows = kTileRows;  // rows a group of warps processes at once
constexpr size_t wgmmaGroupRows(size_t head_dim) {  // two accumulator tiles, where shared memory allows it
  return head_dim > 128 ? kTileRows : 2 * kTileRows;
}
constexpr bool tensorHeadDim(size_t d) {
  return d == 64 || d == 80 || d == 96 || d == 128 || d == 256;
}

}  // namespace kvatlas::kernels
