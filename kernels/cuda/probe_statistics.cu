// Second sweep: column sums, window rows and maps. Each block owns its keys, so no sum needs an atomic.
#include "kernels/cuda/probe_kernels.cuh"
#include "kernels/cuda/score_tile.cuh"

namespace kvatlas::kernels {
namespace {

// Probabilities of a tile, folded in place into map cells.
struct FoldTile {
  float p[kTile][kTile + 1];
};

struct SharedState {
  StagedTile staged;
  union {
    FoldTile fold;
    double columns[kSide][kTile];
    struct {
      double sum[kTileThreads];
      float max[kTileThreads];
    } block;
  };
};

// A thread's accumulators over the query tiles.
struct ThreadSums {
  double received[kPerThread] = {};
  double window[kPerThread] = {};
  double cell_sum = 0;  // of the current map row, for cells larger than a tile
  float cell_max = 0;
};

__device__ void toProbabilities(const ProbeJob& job, size_t head, size_t query_tile, size_t key_tile,
                                float (&score)[kPerThread][kPerThread]) {
  const KvatlasCudaProbe& probe = job.probe;
  for (int i = 0; i < kPerThread; ++i) {
    const size_t query = query_tile * kTile + threadRow() + i;
    const size_t row = head * probe.tokens + smaller(query, probe.tokens - 1);
    for (int j = 0; j < kPerThread; ++j) {
      const bool visible = isVisible(query, key_tile * kTile + threadKey() + j, probe.tokens, probe.sliding_window);
      // Masked before the exponential: a score of 0 does not mask where the normaliser is far below.
      score[i][j] = visible ? exp2f((score[i][j] - job.top[row]) * job.log2_scale) * job.inverse_sum[row] : 0.0F;
    }
  }
}

__device__ void addColumns(const KvatlasCudaProbe& probe, size_t query_tile, const float (&p)[kPerThread][kPerThread],
                           ThreadSums& sums) {
  for (int j = 0; j < kPerThread; ++j) {
    float all = 0;
    float window = 0;
    for (int i = 0; i < kPerThread; ++i) {
      all += p[i][j];
      window += query_tile * kTile + threadRow() + i + probe.window >= probe.tokens ? p[i][j] : 0.0F;
    }
    sums.received[j] += all;
    sums.window[j] += window;
  }
}

__device__ void keepWindowRows(const KvatlasCudaProbe& probe, size_t head, size_t query_tile, size_t key_tile,
                               const float (&p)[kPerThread][kPerThread]) {
  for (int i = 0; i < kPerThread; ++i) {
    const size_t query = query_tile * kTile + threadRow() + i;
    if (query >= probe.tokens || query + probe.window < probe.tokens) {
      continue;
    }
    const size_t row = head * probe.window + query + probe.window - probe.tokens;
    for (int j = 0; j < kPerThread; ++j) {
      const size_t key = key_tile * kTile + threadKey() + j;
      if (key < probe.tokens) {
        probe.window_rows[row * probe.tokens + key] = p[i][j];
      }
    }
  }
}

// Cells that lie within the tile. First folds each cell's columns in place (sum to the cell's first row, max to its
// second, which no other thread reads), then along the row.
__device__ void foldSmallCells(const ProbeJob& job, size_t head, size_t query_tile, size_t key_tile,
                               const float (&p)[kPerThread][kPerThread], FoldTile& fold) {
  const int cell = static_cast<int>(job.probe.cell);
  const int per_side = kTile / cell;
  for (int i = 0; i < kPerThread; ++i) {
    for (int j = 0; j < kPerThread; ++j) {
      fold.p[threadRow() + i][threadKey() + j] = p[i][j];
    }
  }
  __syncthreads();
  const int max_row = cell > 1 ? 1 : 0;
  for (int item = threadIdx.x; cell > 1 && item < per_side * kTile; item += kTileThreads) {
    const int first = item / kTile * cell;
    const int key = item % kTile;
    float sum = 0;
    float max = 0;
    for (int r = 0; r < cell; ++r) {
      sum += fold.p[first + r][key];
      max = fmaxf(max, fold.p[first + r][key]);
    }
    fold.p[first][key] = sum;
    fold.p[first + 1][key] = max;
  }
  __syncthreads();
  for (int item = threadIdx.x; item < per_side * per_side; item += kTileThreads) {
    const int row = item / per_side;
    const int column = item % per_side;
    float sum = 0;
    float max = 0;
    for (int k = 0; k < cell; ++k) {
      sum += fold.p[row * cell][column * cell + k];
      max = fmaxf(max, fold.p[row * cell + max_row][column * cell + k]);
    }
    writeCell(job.probe, job.cells, head, query_tile * per_side + row, key_tile * per_side + column, sum, max);
  }
}

// Cells of several tiles: writes the map row's total of this key tile to the partial arrays after the row's last
// tile.
__device__ void addToLargeCell(const ProbeJob& job, size_t head, size_t query_tile, size_t key_tile, bool last_tile,
                               const float (&p)[kPerThread][kPerThread], ThreadSums& sums, SharedState& shared) {
  for (int i = 0; i < kPerThread; ++i) {
    float row = 0;
    for (int j = 0; j < kPerThread; ++j) {
      row += p[i][j];
      sums.cell_max = fmaxf(sums.cell_max, p[i][j]);
    }
    sums.cell_sum += row;
  }
  if (!last_tile && (query_tile + 1) * kTile % job.probe.cell != 0) {
    return;
  }
  shared.block.sum[threadIdx.x] = sums.cell_sum;
  shared.block.max[threadIdx.x] = sums.cell_max;
  for (int step = kTileThreads / 2; step > 0; step /= 2) {
    __syncthreads();
    if (threadIdx.x < step) {
      shared.block.sum[threadIdx.x] += shared.block.sum[threadIdx.x + step];
      shared.block.max[threadIdx.x] = fmaxf(shared.block.max[threadIdx.x], shared.block.max[threadIdx.x + step]);
    }
  }
  if (threadIdx.x == 0) {
    const size_t row = head * job.cells + query_tile * kTile / job.probe.cell;
    const size_t at = row * partialColumns(job.probe.tokens) + key_tile;
    job.partial_sum[at] = static_cast<float>(shared.block.sum[0]);
    job.partial_max[at] = shared.block.max[0];
  }
  sums.cell_sum = 0;
  sums.cell_max = 0;
}

// target[key] = Σ over the threads of the tile's column, in order.
__device__ void writeColumns(const KvatlasCudaProbe& probe, size_t head, size_t key_tile,
                             const double (&sums)[kPerThread], SharedState& shared, float* target) {
  if (target == nullptr) {
    return;
  }
  __syncthreads();
  for (int j = 0; j < kPerThread; ++j) {
    shared.columns[threadIdx.x / kSide][threadKey() + j] = sums[j];
  }
  __syncthreads();
  const size_t key = key_tile * kTile + threadIdx.x;
  if (threadIdx.x < kTile && key < probe.tokens) {
    double sum = 0;
    for (int part = 0; part < kSide; ++part) {
      sum += shared.columns[part][threadIdx.x];
    }
    target[head * probe.tokens + key] = static_cast<float>(sum);
  }
}

template <typename T>
__global__ void __launch_bounds__(kTileThreads, 2) statisticsTiles(ProbeJob job, size_t first_tile) {
  __shared__ SharedState shared;
  const KvatlasCudaProbe& probe = job.probe;
  const size_t head = blockIdx.y;
  const size_t key_tile = blockIdx.x;
  const size_t matrix = probe.tokens * probe.head_dim;
  const HeadView<T> view{static_cast<const T*>(probe.query) + head * matrix,
                         static_cast<const T*>(probe.key) + head / (probe.query_heads / probe.kv_heads) * matrix,
                         probe.tokens, probe.tokens, probe.head_dim};
  ThreadSums sums;
  const TokenRange tiles = queryTilesOf(key_tile, probe.tokens, probe.sliding_window);
  for (size_t tile = larger(tiles.begin, first_tile); tile < tiles.end; ++tile) {
    float p[kPerThread][kPerThread];
    scoreTile(view, tile, key_tile, shared.staged, p);
    toProbabilities(job, head, tile, key_tile, p);
    addColumns(probe, tile, p, sums);
    if (probe.window_rows != nullptr && (tile + 1) * kTile + probe.window > probe.tokens) {
      keepWindowRows(probe, head, tile, key_tile, p);
    }
    if (job.cells > 0) {
      __syncthreads();
      if (cellInsideTile(probe.cell)) {
        foldSmallCells(job, head, tile, key_tile, p, shared.fold);
      } else {
        addToLargeCell(job, head, tile, key_tile, tile + 1 == tiles.end, p, sums, shared);
      }
    }
  }
  writeColumns(probe, head, key_tile, sums.received, shared, probe.received);
  writeColumns(probe, head, key_tile, sums.window, shared, probe.window_sum);
}

// Sums the key tiles of each large cell, in order.
__global__ void finishLargeCells(ProbeJob job) {
  const size_t columns = partialColumns(job.probe.tokens);
  const size_t tiles = job.probe.cell / kTile;
  const size_t count = job.probe.query_heads * job.cells * job.cells;
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    const size_t column = i % job.cells;
    const size_t row = i / job.cells;  // over all heads
    double sum = 0;
    float max = 0;
    for (size_t tile = column * tiles; tile < smaller(columns, (column + 1) * tiles); ++tile) {
      sum += job.partial_sum[row * columns + tile];
      max = fmaxf(max, job.partial_max[row * columns + tile]);
    }
    writeCell(job.probe, job.cells, row / job.cells, row % job.cells, column, static_cast<float>(sum), max);
  }
}

}  // namespace

void launchStatistics(const ProbeJob& job, bool window_only, cudaStream_t stream) {
  const KvatlasCudaProbe& probe = job.probe;
  const bool large = job.cells > 0 && !cellInsideTile(probe.cell);
  clear(probe.window_rows, probe.query_heads * probe.window * probe.tokens, stream);
  if (large) {
    const size_t partial = probe.query_heads * job.cells * partialColumns(probe.tokens);
    clear(job.partial_sum, partial, stream);
    clear(job.partial_max, partial, stream);
  }
  const size_t first_tile = window_only ? (probe.tokens - probe.window) / kTile : 0;
  const dim3 grid(static_cast<unsigned>(divideUp(probe.tokens, kTile)), static_cast<unsigned>(probe.query_heads));
  switch (probe.element) {
    case kKvatlasF16:
      launch(statisticsTiles<__half>, grid, kTileThreads, stream, job, first_tile);
      break;
    case kKvatlasBf16:
      launch(statisticsTiles<__nv_bfloat16>, grid, kTileThreads, stream, job, first_tile);
      break;
    default:
      launch(statisticsTiles<float>, grid, kTileThreads, stream, job, first_tile);
      break;
  }
  if (large) {
    launch(finishLargeCells, 256, 256, stream, job);
  }
}

}  // namespace kvatlas::kernels
