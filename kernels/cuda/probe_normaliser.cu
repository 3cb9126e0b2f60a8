// First sweep: each row's largest logit, sum of exponentials and entropy.
#include <cfloat>

#include "kernels/cuda/probe_kernels.cuh"
#include "kernels/cuda/score_tile.cuh"

namespace kvatlas::kernels {
namespace {

// Online sums of one row over a thread's keys so far; exponents y are base 2, relative to top.
struct RowSums {
  float top = -FLT_MAX;
  double sum = 0;       // Σ 2^y
  double weighted = 0;  // Σ 2^y · y

  __device__ void moveTo(float new_top, float log2_scale) {
    if (sum > 0) {
      const double shift = (static_cast<double>(top) - new_top) * log2_scale;
      const double factor = exp2(shift);
      weighted = factor * (weighted + shift * sum);
      sum *= factor;
    }
    top = new_top;
  }
};

template <typename T>
__device__ void addScores(const ProbeJob& job, size_t head, size_t query, size_t first_key, const float* score,
                          RowSums& row) {
  float top = row.top;
  bool visible[kPerThread];
  for (int j = 0; j < kPerThread; ++j) {
    visible[j] = isVisible(query, first_key + j, job.probe.tokens, job.probe.sliding_window);
    if (visible[j]) {
      top = fmaxf(top, score[j]);
      if (!isfinite(score[j])) {
        reportBad(job.probe, head, query);
      }
    }
  }
  if (top != row.top) {
    row.moveTo(top, job.log2_scale);
  }
  float sum = 0;
  float weighted = 0;
  for (int j = 0; j < kPerThread; ++j) {
    // Masked before the exponential: a score of 0 does not mask where the normaliser is far below.
    const float y = visible[j] ? (score[j] - top) * job.log2_scale : 0.0F;
    const float e = visible[j] ? exp2f(y) : 0.0F;
    sum += e;
    weighted = fmaf(e, y, weighted);
  }
  row.sum += sum;
  row.weighted += weighted;
}

__device__ void finishRow(const ProbeJob& job, size_t head, size_t query, const RowSums* parts) {
  RowSums row;
  for (int part = 0; part < kSide; ++part) {
    row.top = fmaxf(row.top, parts[part].top);
  }
  for (int part = 0; part < kSide; ++part) {
    RowSums moved = parts[part];
    moved.moveTo(row.top, job.log2_scale);
    row.sum += moved.sum;
    row.weighted += moved.weighted;
  }
  const size_t at = head * job.probe.tokens + query;
  if (job.probe.given_lse == nullptr) {
    job.top[at] = row.top;
    job.inverse_sum[at] = static_cast<float>(1 / row.sum);
    if (job.probe.lse != nullptr) {
      job.probe.lse[at] = static_cast<float>(static_cast<double>(row.top) * job.probe.scale + log(row.sum));
    }
  }
  if (job.probe.entropy != nullptr) {
    const double bits = log2(row.sum) - row.weighted / row.sum;
    job.probe.entropy[at] = static_cast<float>(fmax(0.0, bits * 0.693147180559945309));
  }
}

template <typename T>
__global__ void __launch_bounds__(kTileThreads) normaliserTiles(ProbeJob job) {
  __shared__ StagedTile staged;
  __shared__ RowSums parts[kTile][kSide];
  const KvatlasCudaProbe& probe = job.probe;
  const size_t head = blockIdx.y;
  const size_t tile = gridDim.x - 1 - blockIdx.x;
  const size_t matrix = probe.tokens * probe.head_dim;
  const HeadView<T> view{static_cast<const T*>(probe.query) + head * matrix,
                         static_cast<const T*>(probe.key) + head / (probe.query_heads / probe.kv_heads) * matrix,
                         probe.tokens, probe.tokens, probe.head_dim};
  RowSums rows[kPerThread];
  const TokenRange key_tiles = keyTilesOf(tile, probe.tokens, probe.sliding_window);
  for (size_t key_tile = key_tiles.begin; key_tile < key_tiles.end; ++key_tile) {
    float score[kPerThread][kPerThread];
    scoreTile(view, tile, key_tile, staged, score);
    for (int i = 0; i < kPerThread; ++i) {
      addScores<T>(job, head, tile * kTile + threadRow() + i, key_tile * kTile + threadKey(), score[i], rows[i]);
    }
  }
  for (int i = 0; i < kPerThread; ++i) {
    parts[threadRow() + i][threadIdx.x % kSide] = rows[i];
  }
  __syncthreads();
  const size_t query = tile * kTile + threadIdx.x;
  if (threadIdx.x < kTile && query < probe.tokens) {
    finishRow(job, head, query, parts[threadIdx.x]);
  }
}

__global__ void useGivenLse(ProbeJob job) {
  const size_t rows = job.probe.query_heads * job.probe.tokens;
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < rows;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    const float lse = job.probe.given_lse[i];
    if (!isfinite(lse)) {
      reportBad(job.probe, i / job.probe.tokens, i % job.probe.tokens);
    }
    job.top[i] = lse / job.probe.scale;
    job.inverse_sum[i] = 1;
    if (job.probe.lse != nullptr) {
      job.probe.lse[i] = lse;
    }
  }
}

__global__ void clearBad(ProbeJob job) {
  *job.probe.first_bad = job.probe.query_heads * job.probe.tokens;
}

}  // namespace

void launchNormalisers(const ProbeJob& job, bool sweep, cudaStream_t stream) {
  launch(clearBad, 1, 1, stream, job);
  if (job.probe.given_lse != nullptr) {
    launch(useGivenLse, 256, 256, stream, job);
  }
  if (!sweep) {
    return;
  }
  // With a given lse the plain path still sweeps for the entropy and to find non-finite logits.
  const dim3 grid(static_cast<unsigned>(divideUp(job.probe.tokens, kTile)),
                  static_cast<unsigned>(job.probe.query_heads));
  switch (job.probe.element) {
    case kKvatlasF16:
      launch(normaliserTiles<__half>, grid, kTileThreads, stream, job);
      break;
    case kKvatlasBf16:
      launch(normaliserTiles<__nv_bfloat16>, grid, kTileThreads, stream, job);
      break;
    default:
      launch(normaliserTiles<float>, grid, kTileThreads, stream, job);
      break;
  }
}

}  // namespace kvatlas::kernels
