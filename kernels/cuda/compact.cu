// Moves the rows that lists keep to their front, in place: all lists of a device in one launch.
#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"
#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {
namespace {

constexpr unsigned kThreads = 256;
constexpr uint64_t kPerThread = 4;  // words in flight

// The row that moves to row `target`: behind it lie as many given-up rows as come before the kept one.
__device__ uint64_t sourceOf(const uint32_t* given_up, uint64_t count, uint64_t target) {
  uint64_t low = 0;
  uint64_t high = count;
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (given_up[middle] - middle <= target) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return target + low;
}

// A block moves one list, round by round. Sources lie behind their targets, so that no round overwrites what a later
// one reads; within a round all is read before anything is written.
template <typename Word>
__global__ void __launch_bounds__(kThreads)
    compactLists(const KvatlasCudaList* lists, const uint32_t* all_given_up, uint64_t words) {
  const KvatlasCudaList list = lists[blockIdx.x];
  if (list.count == 0) {
    return;
  }
  const uint32_t* const given_up = all_given_up + list.first;
  auto* const rows = static_cast<Word*>(list.rows);
  const uint64_t end = (list.length - list.count) * words;
  for (uint64_t begin = given_up[0] * words; begin < end; begin += kThreads * kPerThread) {
    Word moved[kPerThread];
#pragma unroll
    for (uint64_t i = 0; i < kPerThread; ++i) {
      const uint64_t at = begin + i * kThreads + threadIdx.x;
      if (at < end) {
        moved[i] = rows[sourceOf(given_up, list.count, at / words) * words + at % words];
      }
    }
    __syncthreads();
#pragma unroll
    for (uint64_t i = 0; i < kPerThread; ++i) {
      const uint64_t at = begin + i * kThreads + threadIdx.x;
      if (at < end) {
        rows[at] = moved[i];
      }
    }
  }
}

template <typename Word>
void compact(const KvatlasCudaList* lists, uint64_t count, const uint32_t* given_up, uint64_t row_bytes,
             cudaStream_t stream) {
  launch(compactLists<Word>, static_cast<unsigned>(count), kThreads, stream, lists, given_up, row_bytes / sizeof(Word));
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT const char* kvatlasCudaCompact(const KvatlasCudaList* lists, uint64_t count,
                                                   const uint32_t* given_up, uint64_t row_bytes, void* stream) {
  using namespace kvatlas::kernels;
  if (count > 0x7fffffffU) {
    return errorText("CUDA compaction: too many lists");
  }
  if (count == 0 || row_bytes == 0) {
    return nullptr;
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  // Lists begin at multiples of their rows, in memory that is aligned for any word.
  if (row_bytes % sizeof(uint4) == 0) {
    compact<uint4>(lists, count, given_up, row_bytes, queue);
  } else if (row_bytes % sizeof(uint16_t) == 0) {
    compact<uint16_t>(lists, count, given_up, row_bytes, queue);
  } else {
    compact<unsigned char>(lists, count, given_up, row_bytes, queue);
  }
  return cudaText("starting the compaction", cudaGetLastError());
}
