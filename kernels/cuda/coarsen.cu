// The next coarser level of attention maps.
#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"
#include "kernels/cuda/tile_geometry.h"

namespace kvatlas::kernels {
namespace {

struct CoarsenJob {
  uint64_t heads, tokens, cell, sliding_window;
  const float *fine_mean, *fine_max;
  float *coarse_mean, *coarse_max;
};

__device__ size_t pairsOf(const CoarsenJob& job, size_t cell, size_t row, size_t column) {
  return countVisiblePairs(cellTokens(row, cell, job.tokens), cellTokens(column, cell, job.tokens), job.sliding_window);
}

__global__ void coarsenCells(CoarsenJob job) {
  const size_t n = mapCells(job.tokens, job.cell);
  const size_t m = mapCells(job.tokens, 2 * job.cell);
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < job.heads * m * m;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    const size_t head = i / (m * m);
    const size_t row = i / m % m;
    const size_t column = i % m;
    double sum = 0;
    float max = 0;
    for (size_t r = 2 * row; r < smaller(n, 2 * row + 2); ++r) {
      for (size_t c = 2 * column; c < smaller(n, 2 * column + 2); ++c) {
        const size_t at = (head * n + r) * n + c;
        if (job.coarse_mean != nullptr) {
          sum += static_cast<double>(job.fine_mean[at]) * static_cast<double>(pairsOf(job, job.cell, r, c));
        }
        if (job.coarse_max != nullptr) {
          max = fmaxf(max, job.fine_max[at]);
        }
      }
    }
    const size_t pairs = pairsOf(job, 2 * job.cell, row, column);
    if (job.coarse_mean != nullptr) {
      job.coarse_mean[i] = pairs == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(pairs));
    }
    if (job.coarse_max != nullptr) {
      job.coarse_max[i] = pairs == 0 ? 0.0F : max;
    }
  }
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT const char* kvatlasCudaCoarsen(uint64_t heads, uint64_t tokens, uint64_t cell,
                                                   uint64_t sliding_window, const float* fine_mean,
                                                   const float* fine_max, float* coarse_mean, float* coarse_max,
                                                   void* stream) {
  using namespace kvatlas::kernels;
  if (heads == 0 || tokens == 0 || cell == 0 || (cell & (cell - 1)) != 0) {
    return errorText("CUDA map pooling: heads and tokens must be positive and cell a power of two");
  }
  if ((coarse_mean != nullptr && fine_mean == nullptr) || (coarse_max != nullptr && fine_max == nullptr)) {
    return errorText("CUDA map pooling: a coarse map needs the fine one");
  }
  const CoarsenJob job{heads, tokens, cell, sliding_window, fine_mean, fine_max, coarse_mean, coarse_max};
  launch(coarsenCells, 1024, 256, static_cast<cudaStream_t>(stream), job);
  return cudaText("starting the map pooling", cudaGetLastError());
}
