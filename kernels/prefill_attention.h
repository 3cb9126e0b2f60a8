// Exact causal attention of a prompt with the log-sum-exp of every row, from raw pointers and shapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "kernels/float_array.h"

namespace kvatlas::kernels {

// One layer, or a part of it. The queries are the last `queries` of the `tokens` positions; query head h reads KV head
// h / (query_heads / kv_heads). Position i sees keys j ≤ i and, where sliding_window > 0, j > i − sliding_window.
struct PrefillShape {
  std::size_t query_heads = 0;
  std::size_t kv_heads = 0;
  std::size_t tokens = 0;   // N
  std::size_t queries = 0;  // M ≤ N
  std::size_t head_dim = 0;
  std::size_t sliding_window = 0;  // 0: none
  float scale = 0;                 // usually 1/√d
};

// All f32 or all bf16 bits; rows contiguous along d.
struct PrefillInput {
  FloatArray query;  // [query_heads, M, d], after RoPE
  FloatArray key;    // [kv_heads, N, d], after RoPE
  FloatArray value;  // [kv_heads, N, d]
};

// The output in one of the two types, the layout that the output projection reads.
struct PrefillOutput {
  float* f32 = nullptr;           // [M, query_heads, d], or
  std::uint16_t* bf16 = nullptr;  // the same, rounded to nearest even
  float* lse = nullptr;           // [query_heads, M] natural log-sum-exp of the scaled visible logits, or null
};

// With bf16 inputs the probabilities are rounded to bf16 before they weight the values where the processor multiplies
// bf16; the log-sum-exp is of unrounded ones. Extra memory O(kv_heads · N · d) for packed keys and values. A row's
// result depends neither on `threads` (0: all processors) nor on the other rows of the call. `between` runs on the
// calling thread between parts of bounded work and may throw to stop. Throws std::invalid_argument for invalid shapes.
void prefillAttention(const PrefillShape& shape, const PrefillInput& input, const PrefillOutput& output,
                      unsigned threads = 0, const std::function<void()>& between = {});

// The same contract in double precision: the oracle for tests.
void prefillAttentionReference(const PrefillShape& shape, const PrefillInput& input, const PrefillOutput& output);

}  // namespace kvatlas::kernels
