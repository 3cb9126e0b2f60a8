// Turns a tile of scores in a group's registers into probabilities, entropy, column sums and map cells. Shared
// by mma.sync and wgmma, whose accumulators have the same layout.
#pragma once

#include "kernels/cuda/probe_kernels.cuh"
#include "kernels/cuda/tensor_core.cuh"

namespace kvatlas::kernels {

// One group's shared memory. Two sets of sums, used alternately, so that one barrier per tile suffices.
template <int R>
struct TileSums {
  float columns[4 * R][kKeyTile];         // per 16 rows
  float bin_sum[4 * R][kKeyTile / kBin];  // 16 × 16 bins
  float bin_max[4 * R][kKeyTile / kBin];
};
template <int R>
struct GroupScratch {
  TileSums<R> sums[2];
  float slice[4][kBin][kBin + 1];  // per warp, for cells smaller than a bin
};

// A group's 64·R rows of one head; R accumulator tiles of 64 rows.
template <int R>
struct GroupRows {
  unsigned head;   // query head
  unsigned first;  // first row
  int group, warp, lane;
  float lse2[R][2];     // log₂ of the row's normaliser
  float entropy[R][2];  // Σ p·log₂ p so far (the entropy negated)

  __device__ unsigned row(int r, int upper) const { return first + r * kTileRows + warp * kBin + lane / 4 + upper * 8; }
};

template <int R>
__device__ void beginRows(const TensorJob& job, GroupRows<R>& rows) {
#pragma unroll
  for (int r = 0; r < R; ++r) {
#pragma unroll
    for (int upper = 0; upper < 2; ++upper) {
      const size_t query = rows.row(r, upper);
      const bool inside = query < job.probe.tokens;
      rows.lse2[r][upper] = inside ? job.lse[rows.head * job.probe.tokens + query] * 1.4426950408889634F : 0.0F;
      rows.entropy[r][upper] = 0;
    }
  }
}

// Scores to probabilities in place. Masks before adding: neither a score of 0 nor padding implies a mask.
template <int R, bool masked>
__device__ void toProbabilities(const TensorJob& job, size_t tile, int r, GroupRows<R>& rows, float (&score)[64]) {
  float weighted[2] = {0, 0};
  KeySpan visible[2] = {};
  if (masked) {
    visible[0] = visibleKeys(rows.row(r, 0), tile, job.probe.tokens, job.probe.sliding_window);
    visible[1] = visibleKeys(rows.row(r, 1), tile, job.probe.tokens, job.probe.sliding_window);
  }
#pragma unroll
  for (int e = 0; e < 64; ++e) {
    const int upper = e / 2 % 2;
    float x = fmaf(score[e], job.log2_scale, -rows.lse2[r][upper]);
    float p = fastExp2(x);
    if (masked) {
      const int key = accumulatorKey(rows.lane, e);
      const bool seen = key >= visible[upper].begin && key < visible[upper].end;
      p = seen ? p : 0.0F;
      x = seen ? x : 0.0F;
    }
    weighted[upper] = fmaf(p, x, weighted[upper]);
    score[e] = p;
  }
  rows.entropy[r][0] += weighted[0];
  rows.entropy[r][1] += weighted[1];
}

// Adds (or takes the maximum of) the values of lanes with equal lane % 4, halving their number at each step.
template <int half, int mask, bool largest>
__device__ void halveOnce(int lane, float* values) {
  const bool upper = (lane & mask) != 0;
#pragma unroll
  for (int i = 0; i < half; ++i) {
    const float given = upper ? values[i] : values[i + half];
    const float kept = upper ? values[i + half] : values[i];
    const float taken = __shfl_xor_sync(0xffffffffU, given, mask);
    values[i] = largest ? fmaxf(kept, taken) : kept + taken;
  }
}
template <int count, bool largest>
__device__ void halve(int lane, float* values) {
  halveOnce<count / 2, 16, largest>(lane, values);
  halveOnce<count / 4, 8, largest>(lane, values);
  halveOnce<count / 8, 4, largest>(lane, values);
}

// A warp's 16 rows: column sums, and sum and maximum of each 16 × 16 bin.
template <int R>
__device__ void foldWarpTile(const GroupRows<R>& rows, int r, const float (&p)[64], TileSums<R>& scratch) {
  float column[32];
  float top[8];
#pragma unroll
  for (int j = 0; j < 16; ++j) {
    column[2 * j] = p[4 * j] + p[4 * j + 2];
    column[2 * j + 1] = p[4 * j + 1] + p[4 * j + 3];
    const float four = fmaxf(fmaxf(p[4 * j], p[4 * j + 1]), fmaxf(p[4 * j + 2], p[4 * j + 3]));
    top[j / 2] = j % 2 == 0 ? four : fmaxf(top[j / 2], four);
  }
  halve<32, false>(rows.lane, column);
  halve<8, true>(rows.lane, top);
  const int part = r * 4 + rows.warp;
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    scratch.columns[part][keptColumn(rows.lane, i)] = column[i];
    sum += column[i];
  }
#pragma unroll
  for (int mask = 1; mask <= 2; mask *= 2) {
    sum += __shfl_xor_sync(0xffffffffU, sum, mask);
    top[0] = fmaxf(top[0], __shfl_xor_sync(0xffffffffU, top[0], mask));
  }
  if (rows.lane % 4 == 0) {
    scratch.bin_sum[part][rows.lane / 4] = sum;
    scratch.bin_max[part][rows.lane / 4] = top[0];
  }
}

// Stores a finished base cell, in the map itself or in the buffer pooled later.
__device__ inline void putCell(const TensorJob& job, size_t head, size_t row, size_t column, float sum, float max) {
  if (job.base_sum == nullptr) {
    writeCell(job.probe, job.base_cells, head, row, column, sum, max);
  } else if (row < job.base_cells && column < job.base_cells) {
    const size_t at = ((head - job.first_head) * job.base_cells + row) * job.base_cells + column;
    job.base_sum[at] = sum;
    job.base_max[at] = max;
  }
}

// Cells of less than 16 tokens, bin by bin through shared memory. Only short prompts use them.
template <int R>
__device__ void putSmallCells(const TensorJob& job, size_t tile, const GroupRows<R>& rows, int r, const float (&p)[64],
                              float (*slice)[kBin + 1]) {
  const int cell = static_cast<int>(job.base);
  const int across = kBin / cell;
#pragma unroll
  for (int bin = 0; bin < kKeyTile / kBin; ++bin) {
    __syncwarp();
#pragma unroll
    for (int e = 0; e < 8; ++e) {
      slice[accumulatorRow(rows.lane, e)][accumulatorKey(rows.lane, e)] = p[bin * 8 + e];
    }
    __syncwarp();
#pragma unroll 1
    for (int item = rows.lane; item < across * across; item += 32) {
      const int row = item / across;
      const int column = item % across;
      float sum = 0;
      float max = 0;
#pragma unroll 1
      for (int i = 0; i < cell * cell; ++i) {
        const float value = slice[row * cell + i / cell][column * cell + i % cell];
        sum += value;
        max = fmaxf(max, value);
      }
      const size_t first_row = (rows.first + r * kTileRows + rows.warp * kBin) / cell;
      putCell(job, rows.head, first_row + row, (tile * kKeyTile + bin * kBin) / cell + column, sum, max);
    }
  }
}

// Cells of 16 tokens and more, from the bins; `thread` is the thread's number in its group.
template <int R>
__device__ void putCells(const TensorJob& job, size_t tile, const GroupRows<R>& rows, int thread,
                         const TileSums<R>& scratch) {
  const int bins = static_cast<int>(job.base) / kBin;
  const int down = 4 * R / bins;
  const int across = kKeyTile / kBin / bins;
  if (thread >= down * across) {
    return;
  }
  const int row = thread / across;
  const int column = thread % across;
  float sum = 0;
  float max = 0;
  for (int i = 0; i < bins; ++i) {
    for (int j = 0; j < bins; ++j) {
      sum += scratch.bin_sum[row * bins + i][column * bins + j];
      max = fmaxf(max, scratch.bin_max[row * bins + i][column * bins + j]);
    }
  }
  putCell(job, rows.head, rows.first / job.base + row, tile * across + column, sum, max);
}

// The group's n-th tile. Only this group writes `columns`, its row of partial sums, so no atomic
// is needed.
template <int R>
__device__ void processTile(const TensorJob& job, size_t tile, unsigned n, GroupRows<R>& rows, float (&score)[R][64],
                            GroupScratch<R>& scratch, float* columns) {
  TileSums<R>& sums = scratch.sums[n % 2];
  const int thread = rows.warp * 32 + rows.lane;
  const size_t key = tile * kKeyTile + thread;
  const bool adds = columns != nullptr && key < job.probe.tokens;
  const float before = adds ? columns[key] : 0.0F;  // loaded early to hide its latency
  const bool whole = tileWhollyVisible(rows.first, R * kTileRows, tile, job.probe.tokens, job.probe.sliding_window);
#pragma unroll
  for (int r = 0; r < R; ++r) {
    if (whole) {
      toProbabilities<R, false>(job, tile, r, rows, score[r]);
    } else {
      toProbabilities<R, true>(job, tile, r, rows, score[r]);
    }
    if (job.base > 0 && job.base < kBin) {
      putSmallCells(job, tile, rows, r, score[r], scratch.slice[rows.warp]);
    }
    foldWarpTile(rows, r, score[r], sums);
  }
  syncGroup(rows.group);
  if (adds) {
    float sum = 0;
#pragma unroll
    for (int part = 0; part < 4 * R; ++part) {
      sum += sums.columns[part][thread];
    }
    columns[key] = before + sum;
  }
  if (job.base >= kBin) {
    putCells(job, tile, rows, thread, sums);
  }
}

// Writes the entropy of finished rows, in nats.
template <int R>
__device__ void finishRows(const TensorJob& job, const GroupRows<R>& rows) {
#pragma unroll
  for (int r = 0; r < R; ++r) {
#pragma unroll
    for (int upper = 0; upper < 2; ++upper) {
      float sum = rows.entropy[r][upper];
      sum += __shfl_xor_sync(0xffffffffU, sum, 1);
      sum += __shfl_xor_sync(0xffffffffU, sum, 2);
      const size_t query = rows.row(r, upper);
      if (rows.lane % 4 != 0 || query >= job.probe.tokens) {
        continue;
      }
      // A non-finite key or query makes p·log p non-finite in exactly the rows that see it.
      if (!isfinite(sum)) {
        reportBad(job.probe, rows.head, query);
      }
      if (job.probe.entropy != nullptr) {
        job.probe.entropy[rows.head * job.probe.tokens + query] = fmaxf(0.0F, -0.69314718055994531F * sum);
      }
    }
  }
}

// The group's row of partial column sums.
__device__ inline float* columnsOf(const TensorJob& job, size_t head, size_t stripe, int group) {
  return job.columns == nullptr
             ? nullptr
             : job.columns + (((head - job.first_head) * job.stripes + stripe) * kGroups + group) * job.probe.tokens;
}

}  // namespace kvatlas::kernels
