// One 64 × 64 tile of QKᵀ in float, by a block of 256 threads, for one head.
#pragma once

#include "kernels/cuda/device_common.cuh"
#include "kernels/cuda/tile_geometry.h"

namespace kvatlas::kernels {

constexpr int kTileThreads = kSide * kSide;
constexpr int kDepth = 32;          // head dimensions staged at once
constexpr int kStride = kTile + 4;  // keeps rows 16-byte aligned and spreads the transposed stores over banks

struct StagedTile {
  alignas(16) float query[kDepth][kStride];
  alignas(16) float key[kDepth][kStride];
};

// One head's queries and keys.
template <typename T>
struct HeadView {
  const T* query;
  const T* key;
  size_t queries;
  size_t keys;
  size_t head_dim;
};

// The thread's rows and keys within a tile: four consecutive ones each.
__device__ inline int threadRow() {
  return static_cast<int>(threadIdx.x) / kSide * kPerThread;
}
__device__ inline int threadKey() {
  return static_cast<int>(threadIdx.x) % kSide * kPerThread;
}

// target[k][row] = source[first + row][depth + k]; 0 out of range.
template <typename T>
__device__ void stage(const T* source, size_t first, size_t tokens, size_t depth, size_t head_dim,
                      float (*target)[kStride]) {
  for (int e = threadIdx.x; e < kTile * kDepth; e += kTileThreads) {
    const int row = e / kDepth;
    const int k = e % kDepth;
    const bool inside = first + row < tokens && depth + k < head_dim;
    target[k][row] = inside ? toFloat(source[(first + row) * head_dim + depth + k]) : 0.0F;
  }
}

// score[i][j] = query (threadRow + i) · key (threadKey + j), unscaled. Called by all threads of the block.
template <typename T>
__device__ void scoreTile(const HeadView<T>& head, size_t query_tile, size_t key_tile, StagedTile& staged,
                          float (&score)[kPerThread][kPerThread]) {
  for (auto& row : score) {
    for (float& value : row) {
      value = 0;
    }
  }
  for (size_t depth = 0; depth < head.head_dim; depth += kDepth) {
    __syncthreads();
    stage(head.query, query_tile * kTile, head.queries, depth, head.head_dim, staged.query);
    stage(head.key, key_tile * kTile, head.keys, depth, head.head_dim, staged.key);
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < kDepth; ++k) {
      const float4 q = *reinterpret_cast<const float4*>(&staged.query[k][threadRow()]);
      const float4 y = *reinterpret_cast<const float4*>(&staged.key[k][threadKey()]);
      const float query[kPerThread] = {q.x, q.y, q.z, q.w};
      const float key[kPerThread] = {y.x, y.y, y.z, y.w};
#pragma unroll
      for (int i = 0; i < kPerThread; ++i) {
#pragma unroll
        for (int j = 0; j < kPerThread; ++j) {
          score[i][j] = fmaf(query[i], key[j], score[i][j]);
        }
      }
    }
  }
}

}  // namespace kvatlas::kernels
