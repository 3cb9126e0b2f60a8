// The probe on Hopper: one warp loads a ring of key tiles through the copy engine; two warpgroups alternate on the
// tensor cores (wgmma), so that one's exponentials overlap the other's products.
#include "kernels/cuda/probe_epilogue.cuh"
#include "kernels/cuda/probe_shapes.cuh"

namespace kvatlas::kernels {
namespace {

constexpr int kWgmmaThreads = (kGroups + 1) * kGroupThreads;

template <int d>
struct WgmmaMemory {
  static constexpr int kR = static_cast<int>(wgmmaGroupRows(d)) / kTileRows;
  static constexpr int kGroupRows = kR * kTileRows;
  static constexpr int kStages = d > 128 ? 2 : d > 64 ? 4 : 6;
  static constexpr int kQueryBytes = operandBytes(kGroups * kGroupRows, d);
  static constexpr int kStageBytes = operandBytes(kKeyTile, d);
  static constexpr int kKeys = kQueryBytes;
  static constexpr int kScratch = kKeys + kStages * kStageBytes;
  static constexpr int kBarriers = kScratch + kGroups * static_cast<int>(sizeof(GroupScratch<kR>));
  static constexpr int kBytes = kBarriers + 8 * (2 * kStages + 4);
  static_assert(kBytes <= 227 * 1024, "a block's shared memory on sm_90");
};

#if KVATLAS_HAS_WGMMA

constexpr int kBoxRows = 64;                            // rows per copy
constexpr unsigned long long kMostWait = 20000000000U;  // ns; far longer than any wait of a working kernel

// Barriers of a block. "full": bytes have arrived; "free": both groups have read them; "turn": see turnPhase.
struct Barriers {
  SharedBarrier *key_full, *key_free, *query_full, *query_free, *turn;

  __device__ Barriers(char* memory, int stages) {
    auto* const all = reinterpret_cast<SharedBarrier*>(memory);
    key_full = all;
    key_free = all + stages;
    query_full = all + 2 * stages;
    query_free = query_full + 1;
    turn = query_full + 2;
  }
  __device__ void init(int stages) const {
    for (int stage = 0; stage < stages; ++stage) {
      initBarrier(key_full + stage, 1);
      initBarrier(key_free + stage, kGroups * 4);  // one lane of every consuming warp
    }
    initBarrier(query_full, 1);
    initBarrier(query_free, kGroups * 4);
    initBarrier(turn, 4);
    initBarrier(turn + 1, 4);
    publishBarriers();
  }
};

// Waits with a timeout. A thread that times out reports it and stops waiting, so that the kernel ends with wrong
// numbers, which the caller rejects, instead of hanging.
struct Waiter {
  bool gave_up = false;

  __device__ void wait(const TensorJob& job, SharedBarrier* barrier, unsigned parity) {
    if (gave_up || tryWait(barrier, parity)) {
      return;
    }
    const unsigned long long start = nanoseconds();
    while (!tryWait(barrier, parity)) {
      if (nanoseconds() - start > kMostWait) {
        gave_up = true;
        *job.failed = 1;
        return;
      }
    }
  }
};

// The blocks of a stripe in order, with the running counts that select stages and phases.
struct Visit {
  unsigned head = 0, stripe = 0, number = 0;
  unsigned first = 0;           // row
  unsigned begin = 0, end = 0;  // key tiles
};

template <int d>
__device__ bool next(const TensorJob& job, Visit& visit) {
  constexpr unsigned kRows = kGroups * WgmmaMemory<d>::kGroupRows;
  const size_t block = stripeBlock(job.blocks, job.stripes, visit.stripe, visit.number++);
  visit.first = static_cast<unsigned>(block) * kRows;
  const TokenRange tiles = keyTilesOfRows(visit.first, kRows, job.probe.tokens, job.probe.sliding_window);
  visit.begin = static_cast<unsigned>(tiles.begin);
  visit.end = static_cast<unsigned>(tiles.end);
  return block < job.blocks;
}

// Copies `rows` rows of a head, starting at `first`, into an operand.
template <int d>
__device__ void fetch(const TensorMap* map, size_t head, size_t first, int rows, char* target, SharedBarrier* barrier) {
  arriveExpecting(barrier, static_cast<unsigned>(operandBytes(rows, d)));
  for (int panel = 0; panel < panelsOf(d); ++panel) {
    for (int row = 0; row < rows; row += kBoxRows) {
      copyBox(target + operandOffset(rows, row, panel * kPanelDims), map, barrier, panel * kPanelDims,
              static_cast<int>(first) + row, static_cast<int>(head));
    }
  }
}

template <int d>
__device__ void produce(const TensorJob& job, Visit visit, const TensorMap* query_map, const TensorMap* key_map,
                        char* memory, const Barriers& barriers) {
  using Memory = WgmmaMemory<d>;
  Waiter waiter;
  const size_t kv_head = visit.head / (job.probe.query_heads / job.probe.kv_heads);
  unsigned n = 0;
  for (unsigned blocks = 0; next<d>(job, visit); ++blocks) {
    waiter.wait(job, barriers.query_free, freePhase(blocks % 2));
    fetch<d>(query_map, visit.head, visit.first, kGroups * Memory::kGroupRows, memory, barriers.query_full);
    for (unsigned tile = visit.begin; tile < visit.end; ++tile, ++n) {
      const RingSlot slot = ringSlot(n, Memory::kStages);
      waiter.wait(job, barriers.key_free + slot.stage, freePhase(slot.phase));
      if (waiter.gave_up) {
        return;
      }
      fetch<d>(key_map, kv_head, static_cast<size_t>(tile) * kKeyTile, kKeyTile,
               memory + Memory::kKeys + slot.stage * Memory::kStageBytes, barriers.key_full + slot.stage);
    }
  }
}

// Starts the products of a group's rows with a key tile; they run asynchronously.
template <typename T, int d>
__device__ void beginTile(const char* query, const char* keys, float (&score)[WgmmaMemory<d>::kR][64]) {
  using Memory = WgmmaMemory<d>;
  productFence();
#pragma unroll
  for (int step = 0; step < d / 16; ++step) {
    const unsigned long long b = matrixDescriptor(sharedAddress(keys + depthStepOffset(kKeyTile, step)));
#pragma unroll
    for (int r = 0; r < Memory::kR; ++r) {
      const char* const a =
          query + r * kTileRows * kPanelRowBytes + depthStepOffset(kGroups * Memory::kGroupRows, step);
      beginProduct<T>(score[r], matrixDescriptor(sharedAddress(a)), b, step > 0);
    }
  }
  commitProducts();
}

template <typename T, int d>
__device__ void consume(const TensorJob& job, Visit visit, int group, char* memory, const Barriers& barriers) {
  using Memory = WgmmaMemory<d>;
  Waiter waiter;
  GroupRows<Memory::kR> rows;
  rows.head = visit.head;
  rows.group = group;
  rows.warp = static_cast<int>(threadIdx.x) / 32 % 4;
  rows.lane = static_cast<int>(threadIdx.x) % 32;
  auto* const scratch = reinterpret_cast<GroupScratch<Memory::kR>*>(memory + Memory::kScratch) + group;
  const char* const query = memory + group * Memory::kGroupRows * kPanelRowBytes;
  float score[Memory::kR][64];
  unsigned n = 0;
  for (unsigned blocks = 0; next<d>(job, visit); ++blocks) {
    rows.first = visit.first + group * Memory::kGroupRows;
    beginRows(job, rows);
    waiter.wait(job, barriers.query_full, blocks % 2);
    for (unsigned tile = visit.begin; tile < visit.end; ++tile, ++n) {
      const RingSlot slot = ringSlot(n, Memory::kStages);
      waiter.wait(job, barriers.key_full + slot.stage, slot.phase);
      waiter.wait(job, barriers.turn + group, turnPhase(group, n));
      __syncwarp();
      beginTile<T, d>(query, memory + Memory::kKeys + slot.stage * Memory::kStageBytes, score);
      if (rows.lane == 0) {
        arrive(barriers.turn + 1 - group);
      }
      __syncwarp();
      waitForProducts(score);
      if (rows.lane == 0) {
        arrive(barriers.key_free + slot.stage);
        if (tile + 1 == visit.end) {
          arrive(barriers.query_free);
        }
      }
      __syncwarp();
      processTile(job, tile, n, rows, score, *scratch, columnsOf(job, visit.head, visit.stripe, group));
    }
    finishRows(job, rows);
  }
}

#endif  // KVATLAS_HAS_WGMMA

template <typename T, int d>
__global__ void __launch_bounds__(kWgmmaThreads, 1)
    probeWgmma(TensorJob job, const __grid_constant__ TensorMap query_map, const __grid_constant__ TensorMap key_map) {
#if KVATLAS_HAS_WGMMA
  using Memory = WgmmaMemory<d>;
  char* const memory = sharedMemory();
  const Barriers barriers(memory + Memory::kBarriers, Memory::kStages);
  if (threadIdx.x == 0) {
    barriers.init(Memory::kStages);
  }
  __syncthreads();
  Visit visit;
  visit.head = job.first_head + blockIdx.y;
  visit.stripe = blockIdx.x;
  const int group = static_cast<int>(threadIdx.x) / kGroupThreads;
  if (group == kGroups) {
    giveRegisters<24>();
    if (threadIdx.x == kGroups * kGroupThreads) {
      produce<d>(job, visit, &query_map, &key_map, memory, barriers);
    }
  } else {
    takeRegisters<240>();
    consume<T, d>(job, visit, group, memory, barriers);
  }
#endif
}

template <typename T, int d>
const char* launchAs(const TensorJob& job, cudaStream_t stream) {
  const KvatlasCudaProbe& probe = job.probe;
  const bool bf16 = probe.element == kKvatlasBf16;
  TensorMap query;
  TensorMap key;
  if (const char* error = makeTensorMap(query, probe.query, probe.query_heads, probe.tokens, d, bf16)) {
    return error;
  }
  if (const char* error = makeTensorMap(key, probe.key, probe.kv_heads, probe.tokens, d, bf16)) {
    return error;
  }
  const dim3 grid(static_cast<unsigned>(job.stripes), static_cast<unsigned>(job.heads));
  return cudaText("starting the attention probe (wgmma)",
                  launchShared(probeWgmma<T, d>, grid, kWgmmaThreads, WgmmaMemory<d>::kBytes, stream, job, query, key));
}

}  // namespace

const char* launchWgmma(const TensorJob& job, cudaStream_t stream) {
  return withKernelShape(job.probe, [&](auto shape) {
    using Shape = decltype(shape);
    return launchAs<typename Shape::Element, Shape::kHeadDim>(job, stream);
  });
}

}  // namespace kvatlas::kernels
