// One decoding step of attention over ragged caches. A block takes a part of a segment's keys for all its query rows
// (the query heads of a KV head: each key and value is read once), a second kernel joins the parts in order.
#include <cfloat>

#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/decode_parts.h"
#include "kernels/cuda/device_common.cuh"

namespace kvatlas::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kChunk = 128;  // keys per round
constexpr uint64_t kMostHeadDim = 1024;

struct DecodeJob {
  const KvatlasCudaSegment* segments;
  DecodeParts parts;
  float log2_scale;
  float* partial;
};

// All threads of a warp get the same sum, made in the same order.
__device__ float warpSum(float x) {
  for (int step = 16; step > 0; step /= 2) {
    x += __shfl_xor_sync(0xffffffffU, x, step);
  }
  return x;
}

// logits[row][key] of up to kRows rows; a warp takes a key, reads it once.
template <typename T, int kRows>
__device__ void chunkLogits(const T* query, int rows, const T* key, int count, uint64_t d, float (*logits)[kChunk]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int j = static_cast<int>(threadIdx.x) / 32; j < count; j += kWarps) {
    float sum[kRows] = {};
#pragma unroll 4
    for (uint64_t k = lane; k < d; k += 32) {
      const float value = toFloat(key[j * d + k]);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        sum[r] = r < rows ? fmaf(toFloat(query[r * d + k]), value, sum[r]) : 0.0F;
      }
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (r >= rows) {
        break;
      }
      const float total = warpSum(sum[r]);
      if (lane == 0) {
        logits[r][j] = total;
      }
    }
  }
}

// What a block keeps over the chunks; every thread holds the same top and sum.
template <int kDims, int kRows>
struct RowState {
  float top[kRows];
  float sum[kRows];
  float output[kRows][kDims];
};

// Logits to exponentials relative to the row's top, in place; a NaN or Inf makes the sum NaN for good.
template <int kDims, int kRows>
__device__ void addWeights(int rows, int count, float log2_scale, float (*logits)[kChunk],
                           RowState<kDims, kRows>& state) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    if (r >= rows) {
      break;
    }
    float top = state.top[r];
    bool finite = true;
    for (int j = 0; j < count; ++j) {
      top = fmaxf(top, logits[r][j]);
      finite = finite && isfinite(logits[r][j]);
    }
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < count) {
      logits[r][threadIdx.x] = exp2f((logits[r][threadIdx.x] - top) * log2_scale);
    }
    __syncthreads();
    const float factor = exp2f((state.top[r] - top) * log2_scale);
    float sum = 0;
    for (int j = 0; j < count; ++j) {
      sum += logits[r][j];
    }
    state.sum[r] = finite ? fmaf(state.sum[r], factor, sum) : nanf("");
    state.top[r] = top;
#pragma unroll
    for (int i = 0; i < kDims; ++i) {
      state.output[r][i] *= factor;
    }
  }
}

template <typename T, int kDims, int kRows>
__device__ void addValues(const T* value, int rows, int count, uint64_t d, const float (*weight)[kChunk],
                          RowState<kDims, kRows>& state) {
#pragma unroll
  for (int i = 0; i < kDims; ++i) {
    const uint64_t k = threadIdx.x + static_cast<uint64_t>(i) * kThreads;
    if (k >= d) {
      break;
    }
    for (int j = 0; j < count; ++j) {
      const float v = toFloat(value[j * d + k]);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        state.output[r][i] = r < rows ? fmaf(weight[r][j], v, state.output[r][i]) : 0.0F;
      }
    }
  }
}

template <int kDims, int kRows>
__device__ void writePart(const DecodeJob& job, uint64_t first_row, int rows, const RowState<kDims, kRows>& state) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    if (r >= rows) {
      break;
    }
    float* const part = job.partial + job.parts.offset(blockIdx.x, blockIdx.y, first_row + r);
    if (threadIdx.x == 0) {
      part[0] = state.top[r];
      part[1] = state.sum[r];
    }
#pragma unroll
    for (int i = 0; i < kDims; ++i) {
      const uint64_t k = threadIdx.x + static_cast<uint64_t>(i) * kThreads;
      if (k < job.parts.head_dim) {
        part[2 + k] = state.output[r][i];
      }
    }
  }
}

template <typename T, int kDims, int kRows>
__global__ void __launch_bounds__(kThreads) decodeParts(DecodeJob job) {
  static_assert(kChunk <= kThreads, "one thread exponentiates one key of a chunk");
  __shared__ float logits[kRows][kChunk];
  const KvatlasCudaSegment segment = job.segments[blockIdx.x];
  const uint64_t first_row = blockIdx.z * static_cast<uint64_t>(kRows);
  const uint64_t first = blockIdx.y * kPartKeys;
  if (first_row >= segment.rows || first >= segment.length) {
    return;
  }
  const uint64_t d = job.parts.head_dim;
  const int rows = static_cast<int>(smaller(segment.rows - first_row, kRows));
  const uint64_t end = smaller(segment.length, first + kPartKeys);
  const T* const query = static_cast<const T*>(segment.query) + first_row * d;
  RowState<kDims, kRows> state;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    state.top[r] = -FLT_MAX;
    state.sum[r] = 0;
#pragma unroll
    for (int i = 0; i < kDims; ++i) {
      state.output[r][i] = 0;
    }
  }
  for (uint64_t begin = first; begin < end; begin += kChunk) {
    const int count = static_cast<int>(smaller(end - begin, kChunk));
    __syncthreads();
    chunkLogits<T, kRows>(query, rows, static_cast<const T*>(segment.key) + begin * d, count, d, logits);
    __syncthreads();
    if (segment.probabilities != nullptr && static_cast<int>(threadIdx.x) < count) {
      for (int r = 0; r < rows; ++r) {
        segment.probabilities[(first_row + r) * segment.length + begin + threadIdx.x] = logits[r][threadIdx.x];
      }
    }
    addWeights(rows, count, job.log2_scale, logits, state);
    addValues(static_cast<const T*>(segment.value) + begin * d, rows, count, d, logits, state);
  }
  writePart(job, first_row, rows, state);
}

// One block per query row: joins the parts, writes output and, from the logits kept there, probabilities.
template <typename T>
__global__ void __launch_bounds__(kThreads) joinParts(DecodeJob job) {
  const KvatlasCudaSegment segment = job.segments[blockIdx.x];
  const uint64_t row = blockIdx.y;
  if (row >= segment.rows) {
    return;
  }
  const uint64_t d = job.parts.head_dim;
  const uint64_t parts = divideUp(segment.length, kPartKeys);
  const auto part = [&](uint64_t p) { return job.partial + job.parts.offset(blockIdx.x, p, row); };
  float top = -FLT_MAX;
  for (uint64_t p = 0; p < parts; ++p) {
    top = fmaxf(top, part(p)[0]);
  }
  double sum = 0;
  for (uint64_t p = 0; p < parts; ++p) {
    sum += static_cast<double>(exp2f((part(p)[0] - top) * job.log2_scale)) * part(p)[1];
  }
  const auto inverse = static_cast<float>(1.0 / sum);
  for (uint64_t k = threadIdx.x; k < d; k += kThreads) {
    float output = 0;
    for (uint64_t p = 0; p < parts; ++p) {
      output = fmaf(exp2f((part(p)[0] - top) * job.log2_scale), part(p)[2 + k], output);
    }
    static_cast<T*>(segment.output)[row * d + k] = fromFloat<T>(output * inverse);
  }
  if (segment.probabilities == nullptr) {
    return;
  }
  float* const kept = segment.probabilities + row * segment.length;
  for (uint64_t j = threadIdx.x; j < segment.length; j += kThreads) {
    kept[j] = exp2f((kept[j] - top) * job.log2_scale) * inverse;
  }
}

template <typename T>
const char* decodeAs(const DecodeJob& job, uint64_t count, uint64_t most_rows, cudaStream_t stream) {
  // A thread's share of the outputs stays in registers: fewer rows at once where heads are long.
  const bool usual = job.parts.head_dim <= 2 * kThreads;
  const dim3 grid(static_cast<unsigned>(count), static_cast<unsigned>(job.parts.parts),
                  static_cast<unsigned>(divideUp(most_rows, usual ? 8 : 2)));
  launch(usual ? decodeParts<T, 2, 8> : decodeParts<T, 8, 2>, grid, kThreads, stream, job);
  const dim3 rows(static_cast<unsigned>(count), static_cast<unsigned>(most_rows));
  launch(joinParts<T>, rows, kThreads, stream, job);
  return cudaText("starting decode attention", cudaGetLastError());
}

DecodeParts partsOf(const KvatlasCudaDecode& decode) {
  return {decode.most_rows, decode.head_dim, divideUp(decode.most_length, kPartKeys)};
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT uint64_t kvatlasCudaDecodeWorkspace(const KvatlasCudaDecode* decode) {
  const auto parts = kvatlas::kernels::partsOf(*decode);
  return parts.offset(decode->count, 0, 0) * sizeof(float);
}

KVATLAS_CUDA_EXPORT const char* kvatlasCudaDecode(const KvatlasCudaDecode* decode, void* stream) {
  using namespace kvatlas::kernels;
  if (decode->head_dim == 0 || decode->head_dim > kMostHeadDim) {
    return errorText("CUDA decode attention: head_dim must be 1 to 1024");
  }
  const DecodeJob job{decode->segments, partsOf(*decode), decode->scale * 1.4426950408889634F,
                      static_cast<float*>(decode->workspace)};
  if (decode->most_rows > 65535 || job.parts.parts > 65535) {
    return errorText("CUDA decode attention: more than 65535 rows in a segment, or too many keys");
  }
  if (decode->count == 0 || decode->most_rows == 0 || decode->most_length == 0) {
    return nullptr;
  }
  if (decode->workspace == nullptr) {
    return errorText("CUDA decode attention: workspace is needed");
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  switch (decode->element) {
    case kKvatlasF32:
      return decodeAs<float>(job, decode->count, decode->most_rows, queue);
    case kKvatlasF16:
      return decodeAs<__half>(job, decode->count, decode->most_rows, queue);
    case kKvatlasBf16:
      return decodeAs<__nv_bfloat16>(job, decode->count, decode->most_rows, queue);
    default:
      return errorText("CUDA decode attention: unknown element type");
  }
}
