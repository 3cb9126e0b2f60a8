// How strongly a text's last queries attend to some of its keys, without the matrix, from raw pointers and shapes.
#pragma once

#include <span>

#include "kernels/prefill_attention.h"
#include "kernels/visible_pairs.h"

namespace kvatlas::kernels {

// Of `queries` the last of `tokens`; all f32 or all bf16 bits; rows contiguous along d.
struct RepeatInput {
  FloatArray query;  // [query_heads, M, d], after RoPE
  FloatArray key;    // [kv_heads, N, d], after RoPE
};

// lse [query_heads, M]: natural log-sum-exp of the scaled logits over the keys of `ranges` (apart from each other) that
// the query sees; every query must see one. Independent of `threads` (0: all processors). Throws std::invalid_argument
// for invalid shapes and ranges.
void logSumExpOver(const PrefillShape& shape, const RepeatInput& input, std::span<const TokenRange> ranges, float* lse,
                   unsigned threads = 0);

// most [kv_heads, keys]: the largest exp(logit − lse) that any query of the heads that read the KV head gives each key,
// 0 where none sees it (KVzip, Kim et al., arXiv:2505.23416). The keys precede the queries. Otherwise as above.
void largestProbabilities(const PrefillShape& shape, const RepeatInput& input, const float* lse, TokenRange keys,
                          float* most, unsigned threads = 0);

}  // namespace kvatlas::kernels
