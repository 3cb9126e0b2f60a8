// Any rectangle of one head's attention, exact, from plain score tiles.
#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/score_tile.cuh"

namespace kvatlas::kernels {
namespace {

constexpr double kLog2E = 1.4426950408889634;

__device__ float cellValue(const KvatlasCudaTile& tile, float score, float lse) {
  const double logit = static_cast<double>(score) * tile.scale;
  if (tile.value == 1) {
    return static_cast<float>(logit);
  }
  const double log_probability = logit - lse;
  return tile.value == 2 ? static_cast<float>(log_probability) : exp2f(static_cast<float>(log_probability * kLog2E));
}

template <typename T>
__global__ void __launch_bounds__(kTileThreads) tileCells(KvatlasCudaTile tile) {
  __shared__ StagedTile staged;
  float score[kPerThread][kPerThread];
  // Stages the ranges' rows like a sequence of their own; only the mask uses positions.
  const HeadView<T> view{static_cast<const T*>(tile.query), static_cast<const T*>(tile.key), tile.queries, tile.keys,
                         tile.head_dim};
  scoreTile(view, blockIdx.y, blockIdx.x, staged, score);
  for (int i = 0; i < kPerThread; ++i) {
    const size_t row = blockIdx.y * static_cast<size_t>(kTile) + threadRow() + i;
    for (int j = 0; j < kPerThread; ++j) {
      const size_t column = blockIdx.x * static_cast<size_t>(kTile) + threadKey() + j;
      if (row >= tile.queries || column >= tile.keys) {
        continue;
      }
      const size_t query = tile.first_query + row;
      const bool visible = isVisible(query, tile.first_key + column, query + 1, tile.sliding_window);
      tile.output[row * tile.keys + column] =
          visible ? cellValue(tile, score[i][j], tile.lse == nullptr ? 0.0F : tile.lse[row]) : nanf("");
    }
  }
}

template <typename T>
const char* tileAs(const KvatlasCudaTile& tile, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(divideUp(tile.keys, kTile)),
                  static_cast<unsigned>(divideUp(tile.queries, kTile)));
  launch(tileCells<T>, grid, kTileThreads, stream, tile);
  return cudaText("starting the exact tile", cudaGetLastError());
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT const char* kvatlasCudaTile(const KvatlasCudaTile* tile, void* stream) {
  using namespace kvatlas::kernels;
  if (tile->queries == 0 || tile->keys == 0 || tile->head_dim == 0) {
    return errorText("CUDA exact tile: queries, keys and head_dim must be positive");
  }
  if (tile->queries > 65535 * static_cast<uint64_t>(kTile)) {
    return errorText("CUDA exact tile: more than 4194240 queries");
  }
  if (tile->value < 0 || tile->value > 2 || (tile->lse == nullptr && tile->value != 1)) {
    return errorText("CUDA exact tile: unknown value, or probabilities without lse");
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  switch (tile->element) {
    case kKvatlasF32:
      return tileAs<float>(*tile, queue);
    case kKvatlasF16:
      return tileAs<__half>(*tile, queue);
    case kKvatlasBf16:
      return tileAs<__nv_bfloat16>(*tile, queue);
    default:
      return errorText("CUDA exact tile: unknown element type");
  }
}
