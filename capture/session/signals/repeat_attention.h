// How much attention the queries of a repetition give the keys of the chunk that they repeat, one layer at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace kvatlas::capture {

// A repetition stands behind the prompt and sees its sinks, its chunk and itself.
struct RepeatColumns {
  std::int64_t sinks = 0;            // [0, sinks)
  std::int64_t begin = 0, end = 0;   // the chunk, sinks ≤ begin
  std::int64_t prompt_tokens = 0;    // N; the repetition's first position
  std::uint64_t sliding_window = 0;  // 0: none
};

// [kv_heads, chunk]: the most that a query head of the group gives each key, in a softmax over what the query sees.
// query [query_heads, M, d], key [kv_heads, N + M, d]; lse [query_heads, M] of the queries over all keys, which is used
// where these are the columns. Computed on the tensors' device. `between` runs between parts and may throw to stop.
[[nodiscard]] at::Tensor mostAttention(const RepeatColumns& columns, const at::Tensor& query, const at::Tensor& key,
                                       const at::Tensor& lse, unsigned threads, const std::function<void()>& between);

// The same in operations that every device has, slower.
[[nodiscard]] at::Tensor mostAttentionInOperations(const RepeatColumns& columns, const at::Tensor& query,
                                                   const at::Tensor& key, const std::function<void()>& between);

}  // namespace kvatlas::capture
