// One decoding step of attention over ragged caches: one block per query row, keys in chunks, online softmax.
#include <cfloat>

#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"

namespace kvatlas::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kChunk = 128;        // keys per round
constexpr int kMostPerThread = 8;  // output elements per thread: head_dim ≤ 1024
constexpr uint64_t kMostHeadDim = static_cast<uint64_t>(kThreads) * kMostPerThread;

// All threads of a warp get the same sum, made in the same order.
__device__ float warpSum(float x) {
  for (int step = 16; step > 0; step /= 2) {
    x += __shfl_xor_sync(0xffffffffU, x, step);
  }
  return x;
}

template <typename T>
__device__ void chunkLogits(const T* query, const T* key, int count, uint64_t d, float* logits) {
  const int lane = threadIdx.x % 32;
  for (int j = threadIdx.x / 32; j < count; j += kWarps) {
    float sum = 0;
    for (uint64_t k = lane; k < d; k += 32) {
      sum = fmaf(toFloat(query[k]), toFloat(key[j * d + k]), sum);
    }
    sum = warpSum(sum);
    if (lane == 0) {
      logits[j] = sum;
    }
  }
}

// What a block keeps over the chunks; every thread holds the same top and sum.
struct RowState {
  float top = -FLT_MAX;
  double sum = 0;
  bool finite = true;
  float output[kMostPerThread] = {};
};

template <typename T>
__device__ void addChunk(const T* value, int count, uint64_t d, float log2_scale, float* logits, RowState& state) {
  float top = state.top;
  for (int j = 0; j < count; ++j) {
    top = fmaxf(top, logits[j]);
    state.finite = state.finite && isfinite(logits[j]);
  }
  const float factor = exp2f((state.top - top) * log2_scale);
  __syncthreads();
  if (threadIdx.x < count) {
    logits[threadIdx.x] = exp2f((logits[threadIdx.x] - top) * log2_scale);
  }
  __syncthreads();
  float sum = 0;
  for (int j = 0; j < count; ++j) {
    sum += logits[j];
  }
  state.sum = state.sum * factor + sum;
  state.top = top;
#pragma unroll
  for (int i = 0; i < kMostPerThread; ++i) {
    const uint64_t k = threadIdx.x + static_cast<uint64_t>(i) * kThreads;
    if (k < d) {
      float chunk = 0;
      for (int j = 0; j < count; ++j) {
        chunk = fmaf(logits[j], toFloat(value[j * d + k]), chunk);
      }
      state.output[i] = fmaf(state.output[i], factor, chunk);
    }
  }
}

template <typename T>
__global__ void decodeRows(const KvatlasCudaSegment* segments, uint64_t d, float log2_scale) {
  static_assert(kChunk <= kThreads, "one thread exponentiates one key of a chunk");
  __shared__ float logits[kChunk];
  const KvatlasCudaSegment segment = segments[blockIdx.x];
  const uint64_t row = blockIdx.y;
  if (row >= segment.rows) {
    return;
  }
  const T* const query = static_cast<const T*>(segment.query) + row * d;
  float* const kept = segment.probabilities == nullptr ? nullptr : segment.probabilities + row * segment.length;
  RowState state;
  for (uint64_t begin = 0; begin < segment.length; begin += kChunk) {
    const int count = static_cast<int>(segment.length - begin < kChunk ? segment.length - begin : kChunk);
    __syncthreads();
    chunkLogits(query, static_cast<const T*>(segment.key) + begin * d, count, d, logits);
    __syncthreads();
    if (kept != nullptr && threadIdx.x < count) {
      kept[begin + threadIdx.x] = logits[threadIdx.x];
    }
    addChunk(static_cast<const T*>(segment.value) + begin * d, count, d, log2_scale, logits, state);
  }
  const float inverse = state.finite ? static_cast<float>(1.0 / state.sum) : nanf("");
  for (int i = 0; i < kMostPerThread; ++i) {
    const uint64_t k = threadIdx.x + static_cast<uint64_t>(i) * kThreads;
    if (k < d) {
      static_cast<T*>(segment.output)[row * d + k] = fromFloat<T>(state.output[i] * inverse);
    }
  }
  // Each thread normalises the logits it wrote itself.
  for (uint64_t j = threadIdx.x; kept != nullptr && j < segment.length; j += kChunk) {
    kept[j] = exp2f((kept[j] - state.top) * log2_scale) * inverse;
  }
}

template <typename T>
const char* decodeAs(const KvatlasCudaDecode& decode, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(decode.count), static_cast<unsigned>(decode.most_rows));
  launch(decodeRows<T>, grid, kThreads, stream, decode.segments, decode.head_dim, decode.scale * 1.4426950408889634F);
  return cudaText("starting decode attention", cudaGetLastError());
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT const char* kvatlasCudaDecode(const KvatlasCudaDecode* decode, void* stream) {
  using namespace kvatlas::kernels;
  if (decode->head_dim == 0 || decode->head_dim > kMostHeadDim) {
    return errorText("CUDA decode attention: head_dim must be 1 to 1024");
  }
  if (decode->most_rows > 65535) {
    return errorText("CUDA decode attention: more than 65535 rows in a segment");
  }
  if (decode->count == 0 || decode->most_rows == 0) {
    return nullptr;
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  switch (decode->element) {
    case kKvatlasF32:
      return decodeAs<float>(*decode, queue);
    case kKvatlasF16:
      return decodeAs<__half>(*decode, queue);
    case kKvatlasBf16:
      return decodeAs<__nv_bfloat16>(*decode, queue);
    default:
      return errorText("CUDA decode attention: unknown element type");
  }
}
