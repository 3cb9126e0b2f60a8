// One decoding step of attention over ragged caches. A block processes part of a segment's keys for all its query rows
// (the query heads of a KV head, so it reads each key and value once); a second kernel joins the parts in order.
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
constexpr uint64_t kJoinKeys = 16384;  // probabilities that one block writes

struct DecodeJob {
  const KvatlasCudaSegment* segments;
  DecodeParts parts;
  float log2_scale;
  float* partial;
};

// The compiled variants: head size up to `dims`, `rows` rows of a segment at once, `keys` keys per warp at once. All
// variants sum a row in the same order.
template <int dims, int rows, int keys>
struct DecodeShape {
  static constexpr int kRows = rows;
  static constexpr int kKeys = keys;
  static constexpr int kLaneDims = dims / 32;          // per lane, of a query and key, in the dot product
  static constexpr int kThreadDims = dims / kThreads;  // per thread, of the output
  static constexpr int kBlocks = dims > 256 ? 2 : 4;   // resident per multiprocessor, at least
};

// All threads of a warp get the same result, summed in the same order.
__device__ float warpSum(float x) {
  for (int step = 16; step > 0; step /= 2) {
    x += __shfl_xor_sync(0xffffffffU, x, step);
  }
  return x;
}
__device__ float warpMax(float x) {
  for (int step = 16; step > 0; step /= 2) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffU, x, step));
  }
  return x;
}

// Sums each of `count` values over the warp, as warpSum would: each step halves the number of values a lane holds,
// until there is one, of index l / (32 / count) in lane l.
template <int count, int mask = 16>
__device__ float sumOfLanes(int lane, float* values) {
  if constexpr (count > 1) {
    const bool upper = (lane & mask) != 0;
#pragma unroll
    for (int i = 0; i < count / 2; ++i) {
      const float given = upper ? values[i] : values[i + count / 2];
      const float kept = upper ? values[i + count / 2] : values[i];
      values[i] = kept + __shfl_xor_sync(0xffffffffU, given, mask);
    }
    return sumOfLanes<count / 2, mask / 2>(lane, values);
  } else if constexpr (mask > 0) {
    values[0] += __shfl_xor_sync(0xffffffffU, values[0], mask);
    return sumOfLanes<1, mask / 2>(lane, values);
  } else {
    return values[0];
  }
}

// A block's shared memory: the logits of a chunk, later their weights, and each row's running sums.
template <typename Shape>
struct RowSums {
  alignas(16) float weight[Shape::kRows][kChunk];
  float top[Shape::kRows];     // largest logit
  float sum[Shape::kRows];     // of exponentials relative to top
  float factor[Shape::kRows];  // rescales the sums of earlier chunks
};

// A lane's dimensions of the query rows; zero out of range.
template <typename T, typename Shape>
__device__ void loadQueries(const T* query, int rows, int lane, uint64_t d,
                            float (&part)[Shape::kRows][Shape::kLaneDims]) {
#pragma unroll
  for (int r = 0; r < Shape::kRows; ++r) {
#pragma unroll
    for (int i = 0; i < Shape::kLaneDims; ++i) {
      const uint64_t k = lane + 32 * i;
      part[r][i] = r < rows && k < d ? toFloat(query[r * d + k]) : 0.0F;
    }
  }
}

// Logits of a chunk: a warp processes several keys at once and reads each once for all rows.
template <typename T, typename Shape>
__device__ void chunkLogits(const float (&query)[Shape::kRows][Shape::kLaneDims], int rows, const T* key, int count,
                            int lane, uint64_t d, RowSums<Shape>& sums) {
  constexpr int kTogether = Shape::kKeys * Shape::kRows;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  for (int first = warp * Shape::kKeys; first < count; first += kWarps * Shape::kKeys) {
    float logit[kTogether] = {};
#pragma unroll
    for (int i = 0; i < Shape::kLaneDims; ++i) {
      const uint64_t k = lane + 32 * i;
      float value[Shape::kKeys];
#pragma unroll
      for (int j = 0; j < Shape::kKeys; ++j) {
        value[j] = k < d && first + j < count ? toFloat(key[(first + j) * d + k]) : 0.0F;
      }
#pragma unroll
      for (int j = 0; j < Shape::kKeys; ++j) {
#pragma unroll
        for (int r = 0; r < Shape::kRows; ++r) {
          logit[j * Shape::kRows + r] = fmaf(query[r][i], value[j], logit[j * Shape::kRows + r]);
        }
      }
    }
    const float total = sumOfLanes<kTogether>(lane, logit);
    constexpr int kLanes = 32 / kTogether;  // that hold the same one
    const int j = first + lane / kLanes / Shape::kRows;
    const int r = lane / kLanes % Shape::kRows;
    if (lane % kLanes == 0 && j < count && r < rows) {
      sums.weight[r][j] = total;
    }
  }
}

// Turns logits into exponentials relative to the row's top, in place, 0 past the last key; after a NaN or Inf the sum
// stays NaN. One warp per row. `kept`: receives the logits of the segment's first row, or null.
template <typename Shape>
__device__ void addWeights(int rows, int count, float log2_scale, int lane, float* kept, uint64_t length,
                           RowSums<Shape>& sums) {
  constexpr int kEach = kChunk / 32;
  for (int r = static_cast<int>(threadIdx.x) / 32; r < rows; r += kWarps) {
    float logit[kEach];
    float top = sums.top[r];
    float bad = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const int j = lane + 32 * i;
      logit[i] = j < count ? sums.weight[r][j] : -FLT_MAX;
      top = fmaxf(top, logit[i]);
      bad = isfinite(logit[i]) ? bad : 1.0F;
      if (kept != nullptr && j < count) {
        kept[r * length + j] = logit[i];
      }
    }
    top = warpMax(top);
    bad = warpMax(bad);
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const int j = lane + 32 * i;
      const float weight = j < count ? exp2f((logit[i] - top) * log2_scale) : 0.0F;
      sums.weight[r][j] = weight;
      sum += weight;
    }
    sum = warpSum(sum);
    if (lane == 0) {
      const float factor = exp2f((sums.top[r] - top) * log2_scale);
      sums.sum[r] = bad > 0 ? nanf("") : fmaf(sums.sum[r], factor, sum);
      sums.top[r] = top;
      sums.factor[r] = factor;
    }
  }
}

template <typename T, typename Shape>
__device__ void addValues(const T* value, int rows, int count, uint64_t d, const RowSums<Shape>& sums,
                          float (&output)[Shape::kRows][Shape::kThreadDims]) {
#pragma unroll
  for (int i = 0; i < Shape::kThreadDims; ++i) {
    const uint64_t k = threadIdx.x + static_cast<uint64_t>(i) * kThreads;
    if (k >= d) {
      break;
    }
#pragma unroll
    for (int r = 0; r < Shape::kRows; ++r) {
      output[r][i] = r < rows ? output[r][i] * sums.factor[r] : 0.0F;
    }
#pragma unroll 2
    for (int j = 0; j < count; j += 4) {
      float v[4];
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        v[n] = j + n < count ? toFloat(value[(j + n) * d + k]) : 0.0F;
      }
#pragma unroll
      for (int r = 0; r < Shape::kRows; ++r) {
        if (r < rows) {
          const float4 weight = *reinterpret_cast<const float4*>(&sums.weight[r][j]);
          output[r][i] = fmaf(weight.x, v[0], output[r][i]);
          output[r][i] = fmaf(weight.y, v[1], output[r][i]);
          output[r][i] = fmaf(weight.z, v[2], output[r][i]);
          output[r][i] = fmaf(weight.w, v[3], output[r][i]);
        }
      }
    }
  }
}

template <typename Shape>
__device__ void writePart(const DecodeJob& job, uint64_t first_row, int rows, const RowSums<Shape>& sums,
                          const float (&output)[Shape::kRows][Shape::kThreadDims]) {
#pragma unroll
  for (int r = 0; r < Shape::kRows; ++r) {
    if (r >= rows) {
      break;
    }
    float* const part = job.partial + job.parts.offset(blockIdx.x, blockIdx.y, first_row + r);
    if (threadIdx.x == 0) {
      part[0] = sums.top[r];
      part[1] = sums.sum[r];
    }
#pragma unroll
    for (int i = 0; i < Shape::kThreadDims; ++i) {
      const uint64_t k = threadIdx.x + static_cast<uint64_t>(i) * kThreads;
      if (k < job.parts.head_dim) {
        part[2 + k] = output[r][i];
      }
    }
  }
}

template <typename T, typename Shape>
__global__ void __launch_bounds__(kThreads, Shape::kBlocks) decodeParts(DecodeJob job) {
  __shared__ RowSums<Shape> sums;
  const KvatlasCudaSegment segment = job.segments[blockIdx.x];
  const uint64_t first_row = blockIdx.z * static_cast<uint64_t>(Shape::kRows);
  const uint64_t first = blockIdx.y * kPartKeys;
  if (first_row >= segment.rows || first >= segment.length) {
    return;
  }
  const uint64_t d = job.parts.head_dim;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int rows = static_cast<int>(smaller(segment.rows - first_row, Shape::kRows));
  const uint64_t end = smaller(segment.length, first + kPartKeys);
  float query[Shape::kRows][Shape::kLaneDims];
  loadQueries<T, Shape>(static_cast<const T*>(segment.query) + first_row * d, rows, lane, d, query);
  float output[Shape::kRows][Shape::kThreadDims] = {};
  if (static_cast<int>(threadIdx.x) < Shape::kRows) {
    sums.top[threadIdx.x] = -FLT_MAX;
    sums.sum[threadIdx.x] = 0;
  }
  for (uint64_t begin = first; begin < end; begin += kChunk) {
    const int count = static_cast<int>(smaller(end - begin, kChunk));
    __syncthreads();
    chunkLogits<T, Shape>(query, rows, static_cast<const T*>(segment.key) + begin * d, count, lane, d, sums);
    __syncthreads();
    float* const kept =
        segment.probabilities == nullptr ? nullptr : segment.probabilities + first_row * segment.length + begin;
    addWeights(rows, count, job.log2_scale, lane, kept, segment.length, sums);
    __syncthreads();
    addValues<T, Shape>(static_cast<const T*>(segment.value) + begin * d, rows, count, d, sums, output);
  }
  writePart<Shape>(job, first_row, rows, sums, output);
}

// Joins the parts of a query row: one block writes the output; each of the others turns some of the stored logits into
// probabilities.
template <typename T>
__global__ void __launch_bounds__(kThreads) joinParts(DecodeJob job) {
  const KvatlasCudaSegment segment = job.segments[blockIdx.x];
  const uint64_t row = blockIdx.y;
  const uint64_t first = blockIdx.z * kJoinKeys;
  if (row >= segment.rows || (blockIdx.z > 0 && (segment.probabilities == nullptr || first >= segment.length))) {
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
  for (uint64_t k = threadIdx.x; blockIdx.z == 0 && k < d; k += kThreads) {
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
  for (uint64_t j = first + threadIdx.x; j < smaller(segment.length, first + kJoinKeys); j += kThreads) {
    kept[j] = exp2f((kept[j] - top) * job.log2_scale) * inverse;
  }
}

template <typename T, typename Shape>
void queueParts(const DecodeJob& job, uint64_t count, uint64_t most_rows, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(count), static_cast<unsigned>(job.parts.parts),
                  static_cast<unsigned>(divideUp(most_rows, Shape::kRows)));
  launch(decodeParts<T, Shape>, grid, kThreads, stream, job);
}

template <typename T>
const char* decodeAs(const DecodeJob& job, uint64_t count, uint64_t most_rows, uint64_t most_length,
                     cudaStream_t stream) {
  // Queries, sums and outputs stay in registers, so long heads process fewer rows at once.
  const uint64_t d = job.parts.head_dim;
  if (d > 256) {
    queueParts<T, DecodeShape<1024, 2, 1>>(job, count, most_rows, stream);
  } else if (d > 128) {
    queueParts<T, DecodeShape<256, 4, 2>>(job, count, most_rows, stream);
  } else if (most_rows > 4) {
    queueParts<T, DecodeShape<128, 8, 4>>(job, count, most_rows, stream);
  } else {
    queueParts<T, DecodeShape<128, 4, 4>>(job, count, most_rows, stream);
  }
  const dim3 rows(static_cast<unsigned>(count), static_cast<unsigned>(most_rows),
                  static_cast<unsigned>(divideUp(most_length, kJoinKeys)));
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
    return errorText("CUDA decode attention: workspace is required");
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  switch (decode->element) {
    case kKvatlasF32:
      return decodeAs<float>(job, decode->count, decode->most_rows, decode->most_length, queue);
    case kKvatlasF16:
      return decodeAs<__half>(job, decode->count, decode->most_rows, decode->most_length, queue);
    case kKvatlasBf16:
      return decodeAs<__nv_bfloat16>(job, decode->count, decode->most_rows, decode->most_length, queue);
    default:
      return errorText("CUDA decode attention: unknown element type");
  }
}
