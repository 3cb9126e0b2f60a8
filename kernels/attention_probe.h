// Exact statistics of one layer's attention without its N×N matrix, from raw pointers and shapes.
#pragma once

#include <cstddef>

#include "kernels/float_array.h"

namespace kvatlas::kernels {

// One layer. Query head h reads KV head h / (query_heads / kv_heads). Query i sees keys j with
// j ≤ i and, where sliding_window > 0, j > i − sliding_window (Mistral).
struct ProbeShape {
  std::size_t query_heads = 0;
  std::size_t kv_heads = 0;
  std::size_t tokens = 0;          // N
  std::size_t head_dim = 0;        // d
  std::size_t window = 0;          // W ≤ N: the last queries, for window_sum and window_rows
  std::size_t sliding_window = 0;  // 0: none
  float scale = 0;                 // usually 1/√d
};

// Rows are contiguous along d. Query and key have the same type: f32, or bf16 bits (bf16 denormals may flush to 0).
struct ProbeInput {
  FloatArray query;  // [query_heads, N, d], after RoPE
  FloatArray key;    // [kv_heads, N, d], after RoPE
  const float* lse =
      nullptr;  // [query_heads, N] natural log-sum-exp of the scaled visible logits; null: computed first
};

// Null: not computed. All f32.
struct ProbeOutput {
  float* lse = nullptr;          // [query_heads, N]
  float* entropy = nullptr;      // [query_heads, N], nats
  float* received = nullptr;     // [query_heads, N]: Σ over all queries of p(query, key)
  float* window_sum = nullptr;   // [query_heads, N]: Σ over the last W queries
  float* window_rows = nullptr;  // [query_heads, W, N]: p of the last W queries, 0 where masked
  float* map_mean = nullptr;  // [query_heads, n, n], n = ⌈N/cell⌉: mean over the visible pairs of a cell, 0 without any
  float* map_max = nullptr;  // [query_heads, n, n]
  std::size_t cell = 0;      // tokens per map cell, a power of two; required for maps
};

// Position of the first NaN or Inf; ok() when there is none.
struct ProbeReport {
  std::ptrdiff_t bad_head = -1;   // query head
  std::ptrdiff_t bad_query = -1;  // query row
  [[nodiscard]] bool ok() const { return bad_head < 0; }
};

// O(N) extra memory. Fixed reduction order: the result does not depend on `threads` (0: all processors).
// Throws std::invalid_argument for invalid shapes (kv_heads does not divide query_heads, window > tokens, cell not a
// power of two).
ProbeReport attentionProbe(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output,
                           unsigned threads = 0);

// The same contract in double precision, one row at a time in O(N) memory: the oracle for tests.
ProbeReport attentionProbeReference(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output);

}  // namespace kvatlas::kernels
