// The probe on tensor cores from sm_80: mma.sync, operands by ldmatrix from swizzled shared memory, keys by cp.async
// in two stages of 64.
#include "kernels/cuda/probe_epilogue.cuh"
#include "kernels/cuda/probe_shapes.cuh"

namespace kvatlas::kernels {
namespace {

constexpr int kMmaThreads = kGroups * kGroupThreads;
constexpr int kBlockRows = kGroups * kTileRows;
constexpr int kStageKeys = 64;
constexpr int kStages = 2;

template <int d>
struct MmaMemory {
  static constexpr int kKeys = operandBytes(kBlockRows, d);
  static constexpr int kStageBytes = operandBytes(kStageKeys, d);
  static constexpr int kScratch = kKeys + kStages * kStageBytes;
  static constexpr int kBytes = kScratch + kGroups * static_cast<int>(sizeof(GroupScratch<1>));
};

// Copies rows [first, first + rows) of a head into an operand, by all threads of the block; zeros out of range.
template <int d>
__device__ void stageRows(const char* source, size_t first, int rows, size_t tokens, char* target) {
  constexpr int kChunks = panelsOf(d) * 8;  // of 8 dimensions
  for (int item = threadIdx.x; item < rows * kChunks; item += kMmaThreads) {
    const int row = item / kChunks;
    const int chunk = item % kChunks;
    const bool inside = first + row < tokens && chunk < d / 8;
    const size_t at = inside ? (first + row) * d * 2 + chunk * 16 : 0;
    copyChunk(target + operandOffset(rows, row, chunk * 8), source + at, inside);
  }
}

// The warp's 16 rows times 64 staged keys, added to half of the accumulators.
template <typename T, int d>
__device__ void multiplyStage(const char* query, const char* keys, int row, int lane, float* sums) {
#pragma unroll(d > 128 ? 4 : d / 16)
  for (int step = 0; step < d / 16; ++step) {
    unsigned a[4];
    const MatrixRow from = queryFragmentRow(lane);
    loadFragments(query + operandOffset(kBlockRows, row + from.row, step * 16 + from.dimension), a);
#pragma unroll
    for (int pair = 0; pair < kStageKeys / 16; ++pair) {
      unsigned b[4];
      const MatrixRow key = keyFragmentRow(lane);
      loadFragments(keys + operandOffset(kStageKeys, pair * 16 + key.row, step * 16 + key.dimension), b);
      multiply16816<T>(sums + pair * 8, a, b);
      multiply16816<T>(sums + pair * 8 + 4, a, b + 2);
    }
  }
}

// One query block of a head, all its key tiles.
template <typename T, int d>
__device__ void probeBlock(const TensorJob& job, size_t head, size_t stripe, size_t block) {
  using Memory = MmaMemory<d>;
  char* const memory = sharedMemory();
  const int warp = static_cast<int>(threadIdx.x) / 32;
  GroupRows<1> rows;
  rows.head = static_cast<unsigned>(head);
  rows.group = warp / 4;
  rows.warp = warp % 4;
  rows.lane = static_cast<int>(threadIdx.x) % 32;
  const size_t first = block * kBlockRows;
  rows.first = static_cast<unsigned>(first) + rows.group * kTileRows;
  auto* const scratch = reinterpret_cast<GroupScratch<1>*>(memory + Memory::kScratch) + rows.group;
  const size_t tokens = job.probe.tokens;
  const size_t matrix = tokens * d * 2;
  const char* const query = static_cast<const char*>(job.probe.query) + head * matrix;
  const char* const key =
      static_cast<const char*>(job.probe.key) + head / (job.probe.query_heads / job.probe.kv_heads) * matrix;

  const TokenRange tiles = keyTilesOfRows(first, kBlockRows, tokens, job.probe.sliding_window);
  const size_t stages = (tiles.end - tiles.begin) * 2;
  const auto loadStage = [&](size_t n) {
    if (n < stages) {
      stageRows<d>(key, tiles.begin * kKeyTile + n * kStageKeys, kStageKeys, tokens,
                   memory + Memory::kKeys + static_cast<int>(n % kStages) * Memory::kStageBytes);
    }
    commitCopies();
  };
  __syncthreads();  // other threads may still read the previous block
  stageRows<d>(query, first, kBlockRows, tokens, memory);
  loadStage(0);
  beginRows(job, rows);
  float score[1][64];
  for (size_t n = 0; n < stages; ++n) {
    loadStage(n + 1);
    waitForCopies<1>();
    __syncthreads();
    const char* const stage = memory + Memory::kKeys + static_cast<int>(n % kStages) * Memory::kStageBytes;
    const int row = rows.group * kTileRows + rows.warp * kBin;
    if (n % 2 == 0) {
#pragma unroll
      for (float& value : score[0]) {
        value = 0;
      }
      multiplyStage<T, d>(memory, stage, row, rows.lane, score[0]);
    } else {
      multiplyStage<T, d>(memory, stage, row, rows.lane, score[0] + 32);
    }
    __syncthreads();  // the stage can now be refilled
    if (n % 2 == 1) {
      const size_t tile = tiles.begin + n / 2;
      processTile(job, tile, static_cast<unsigned>(n / 2), rows, score, *scratch,
                  columnsOf(job, head, stripe, rows.group));
    }
  }
  waitForCopies<0>();
  finishRows(job, rows);
}

template <typename T, int d>
__global__ void __launch_bounds__(kMmaThreads, 1) probeMma(TensorJob job) {
  const size_t head = job.first_head + blockIdx.y;
  const size_t stripe = blockIdx.x;
  for (size_t visit = 0;; ++visit) {
    const size_t block = stripeBlock(job.blocks, job.stripes, stripe, visit);
    if (block >= job.blocks) {
      return;
    }
    probeBlock<T, d>(job, head, stripe, block);
  }
}

template <typename T, int d>
const char* launchAs(const TensorJob& job, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(job.stripes), static_cast<unsigned>(job.heads));
  return cudaText("starting the attention probe (mma)",
                  launchShared(probeMma<T, d>, grid, kMmaThreads, MmaMemory<d>::kBytes, stream, job));
}

}  // namespace

const char* launchMma(const TensorJob& job, cudaStream_t stream) {
  return withKernelShape(job.probe, [&](auto shape) {
    using Shape = decltype(shape);
    return launchAs<typename Shape::Element, Shape::kHeadDim>(job, stream);
  });
}

int mmaSharedBytes(size_t head_dim) {
  return head_dim > 128 ? MmaMemory<256>::kBytes : head_dim > 64 ? MmaMemory<128>::kBytes : MmaMemory<64>::kBytes;
}

}  // namespace kvatlas::kernels
