// The block max-pooled attention map of SeerAttention by library calls alone: a baseline for benchmarks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kvatlas::capture {

// query [query_heads, N, d], key [kv_heads, N, d]; causal, no sliding window. Returns [query_heads, n, n] f32,
// n = ⌈N/block⌉: the largest probability of each block × block, each row then divided by its sum. Scores are rounded to
// the compute type, as in a library's product. Works through the queries of one KV head in chunks, so that scores take
// about `most_bytes`, at least `block` queries.
[[nodiscard]] at::Tensor blockMaxPooling(const at::Tensor& query, const at::Tensor& key, std::int64_t block = 64,
                                         std::int64_t most_bytes = std::int64_t{1} << 30);

}  // namespace kvatlas::capture
