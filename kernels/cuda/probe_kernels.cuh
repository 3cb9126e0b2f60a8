// The probe's two sweeps on the device; knows one layer's shape and where its outputs go.
#pragma once

#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/tile_geometry.h"

#include <cuda_runtime.h>

namespace kvatlas::kernels {

// The caller's probe with the workspace cut into its arrays. Passed to kernels by value.
struct ProbeJob {
  KvatlasCudaProbe probe;
  float log2_scale;
  float* top;          // [query_heads, N] largest unscaled logit, or lse / scale when given
  float* inverse_sum;  // [query_heads, N]
  float* partial_sum;  // [query_heads, cells, key tiles] for cells larger than a tile
  float* partial_max;
  size_t cells;
};

// Row normalisers and entropy: one block per query tile, longest first.
void launchNormalisers(const ProbeJob& job, cudaStream_t stream);
// Column sums, window rows and maps: one block per key tile, longest first.
void launchStatistics(const ProbeJob& job, cudaStream_t stream);

}  // namespace kvatlas::kernels
