// One query head against one block of packed keys, compiled once per SIMD target.
#pragma once

#include <cstddef>

#include "kernels/blocks/packed_keys.h"
#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

// Logits are kept unscaled; (logit − top) · log2_scale is the base-2 exponent of an unnormalised probability.
struct ScoreBlock {
  FloatArray query;  // [tokens − query_begin, head_dim] of the head
  std::size_t query_begin = 0;
  PackedKeys* packed = nullptr;  // keys [key_begin, key_end)
  std::size_t key_begin = 0;     // a multiple of kPanelKeys for statistics and tiles
  std::size_t key_end = 0;
  std::size_t tokens = 0;  // one past the last query
  std::size_t head_dim = 0;
  std::size_t sliding_window = 0;
  float log2_scale = 0;  // scale · log₂ e

  [[nodiscard]] std::size_t rowBegin() const { return larger(key_begin, query_begin); }
  [[nodiscard]] std::size_t rowEnd() const { return lastQueryEnd(key_end, tokens, sliding_window); }
};

// First sweep. top and sum [tokens − query_begin] hold the result of earlier blocks (sum 0: none) and accumulate this
// block.
struct NormaliserBlock : ScoreBlock {
  float* top = nullptr;  // largest logit so far
  float* sum = nullptr;  // Σ 2^y relative to it
};

// Second sweep, with the row normalisers known: p = 2^y, y = (logit − top) · log2_scale − log2_sum.
struct StatisticsBlock : ScoreBlock {
  const float* top = nullptr;       // [tokens]
  const float* log2_sum = nullptr;  // [tokens]
  float* exponent_sum = nullptr;    // [tokens], += Σ p·y of this block: the row's entropy in bits, negative
  double* received = nullptr;       // [key_end − key_begin, rounded up to kPanelKeys], +=
  double* window_sum = nullptr;     // same shape, for rows from window_begin
  std::size_t window_begin = 0;
  float* window_rows = nullptr;  // [tokens − window_begin, tokens] or null
  float* map_sum = nullptr;      // [cells, cells] or null, +=
  float* map_max = nullptr;      // [cells, cells] or null
  std::size_t cell = 0;
  std::size_t cells = 0;
  std::size_t flush_rows = 0;
};

// The largest logit · log2_scale − log2_lse of every key, over the rows that see it.
struct MaximumBlock : ScoreBlock {
  const float* log2_lse = nullptr;  // [tokens − query_begin]
  float* most = nullptr;            // [key_end − key_begin, rounded up to kPanelKeys], aligned; raised
};

void addNormaliserBlock(const NormaliserBlock& block);
void addStatisticsBlock(const StatisticsBlock& block);
void addMaximumBlock(const MaximumBlock& block);

}  // namespace kvatlas::kernels
