// The largest values of many rows. A warp ranks each fixed part of a row; a second kernel ranks what the parts found.
// Entries are compared as numbers that are all different, so the result depends on no order.
#include "kernels/cuda/cuda_library.h"
#include "kernels/cuda/device_common.cuh"
#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {
namespace {

constexpr unsigned kWarps = 4;  // of a block, each on its own part or row
constexpr unsigned kLanes = 32;
constexpr uint64_t kPerLane = 32;  // candidates a lane holds at once
constexpr uint64_t kRound = kLanes * kPerLane;
constexpr uint64_t kPartColumns = 4 * kRound;
constexpr uint64_t kMostEntries = kLanes;

// A value ≥ 0 and its column as one number: larger values first, then lower columns. 0 is no entry; NaN is the largest.
using Candidate = unsigned long long;

__device__ Candidate candidateOf(float value, uint64_t column) {
  return static_cast<Candidate>(__float_as_uint(value)) << 32 | (0xffffffffU - static_cast<uint32_t>(column));
}

__device__ KvatlasCudaTopEntry entryOf(Candidate candidate) {
  return {__uint_as_float(static_cast<uint32_t>(candidate >> 32)), 0xffffffffU - static_cast<uint32_t>(candidate)};
}

// All lanes get the same result.
__device__ Candidate warpLargest(Candidate x) {
  for (int step = 16; step > 0; step /= 2) {
    const Candidate other = __shfl_xor_sync(0xffffffffU, x, step);
    x = other > x ? other : x;
  }
  return x;
}

__device__ Candidate largestOf(const Candidate (&own)[kPerLane + 1]) {
  Candidate largest = own[0];
#pragma unroll
  for (uint64_t i = 1; i <= kPerLane; ++i) {
    largest = own[i] > largest ? own[i] : largest;
  }
  return largest;
}

// Ranks what all lanes hold; lane r gets the r-th largest, lanes from `entries` on 0.
__device__ Candidate rank(Candidate (&own)[kPerLane + 1], int entries, int lane) {
  Candidate kept = 0;
  Candidate mine = largestOf(own);
  for (int r = 0; r < entries; ++r) {
    const Candidate largest = warpLargest(mine);
    if (largest == 0) {
      break;
    }
    kept = lane == r ? largest : kept;
    if (mine == largest) {
#pragma unroll
      for (uint64_t i = 0; i <= kPerLane; ++i) {
        own[i] = own[i] == largest ? 0 : own[i];
      }
      mine = largestOf(own);
    }
  }
  return kept;
}

// Ranks read(first) … read(end − 1), round by round together with the best so far.
template <typename Read>
__device__ Candidate rankAll(uint64_t first, uint64_t end, int entries, int lane, const Read& read) {
  Candidate best = 0;
  for (uint64_t begin = first; begin < end; begin += kRound) {
    Candidate own[kPerLane + 1];
#pragma unroll
    for (uint64_t i = 0; i < kPerLane; ++i) {
      const uint64_t at = begin + i * kLanes + lane;
      own[i] = at < end ? read(at) : 0;
    }
    own[kPerLane] = best;
    best = rank(own, entries, lane);
  }
  return best;
}

struct TopJob {
  const KvatlasCudaRow* rows;
  uint64_t count;
  uint64_t parts;  // of the longest row
  int entries;
  Candidate* found;  // [count, parts, entries]
  KvatlasCudaTopEntry* output;
};

__global__ void __launch_bounds__(kWarps* kLanes) rankParts(TopJob job) {
  const KvatlasCudaRow row = job.rows[blockIdx.x];
  const int lane = static_cast<int>(threadIdx.x % kLanes);
  const uint64_t part = blockIdx.y * static_cast<uint64_t>(kWarps) + threadIdx.x / kLanes;
  const uint64_t first = part * kPartColumns;
  if (first >= row.length) {
    return;
  }
  const Candidate best = rankAll(first, smaller(row.length, first + kPartColumns), job.entries, lane,
                                 [&](uint64_t column) { return candidateOf(row.values[column], column); });
  if (lane < job.entries) {
    job.found[(blockIdx.x * job.parts + part) * job.entries + lane] = best;
  }
}

__global__ void __launch_bounds__(kWarps* kLanes) joinRanks(TopJob job) {
  const uint64_t row = blockIdx.x * static_cast<uint64_t>(kWarps) + threadIdx.x / kLanes;
  if (row >= job.count) {
    return;
  }
  const int lane = static_cast<int>(threadIdx.x % kLanes);
  const Candidate* const found = job.found + row * job.parts * job.entries;
  const uint64_t parts = divideUp(job.rows[row].length, kPartColumns);
  const Candidate best = rankAll(0, parts * job.entries, job.entries, lane, [&](uint64_t i) { return found[i]; });
  const bool finite = isfinite(entryOf(warpLargest(best)).value);
  if (lane < job.entries) {
    job.output[row * job.entries + lane] = finite && best != 0 ? entryOf(best) : KvatlasCudaTopEntry{0.0F, 0xffffffffU};
  }
}

uint64_t partsOf(const KvatlasCudaTop& top) {
  return divideUp(top.most_length, kPartColumns);
}

}  // namespace
}  // namespace kvatlas::kernels

KVATLAS_CUDA_EXPORT uint64_t kvatlasCudaTopWorkspace(const KvatlasCudaTop* top) {
  using namespace kvatlas::kernels;
  return top->count * partsOf(*top) * top->entries * sizeof(Candidate);
}

KVATLAS_CUDA_EXPORT const char* kvatlasCudaTop(const KvatlasCudaTop* top, void* stream) {
  using namespace kvatlas::kernels;
  if (top->entries > kMostEntries) {
    return errorText("CUDA largest entries: at most 32 of a row");
  }
  if (top->most_length >= 0xffffffffU || top->count > 0x7fffffffU) {
    return errorText("CUDA largest entries: too many rows, or too long ones");
  }
  if (top->count == 0 || top->entries == 0) {
    return nullptr;
  }
  if (top->workspace == nullptr && top->most_length > 0) {
    return errorText("CUDA largest entries: workspace is required");
  }
  const TopJob job{
      top->rows,  top->count, partsOf(*top), static_cast<int>(top->entries), static_cast<Candidate*>(top->workspace),
      top->output};
  const auto queue = static_cast<cudaStream_t>(stream);
  if (job.parts > 0) {
    const dim3 grid(static_cast<unsigned>(top->count), static_cast<unsigned>(divideUp(job.parts, kWarps)));
    launch(rankParts, grid, kWarps * kLanes, queue, job);
  }
  launch(joinRanks, static_cast<unsigned>(divideUp(top->count, kWarps)), kWarps * kLanes, queue, job);
  return cudaText("starting to rank rows", cudaGetLastError());
}
