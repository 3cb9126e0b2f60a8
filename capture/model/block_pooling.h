// The block max-pooled attention map of SeerAttention by library calls alone, as a yardstick of benches. Knows tensors,
// no layer.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kvatlas::capture {

// query [query_heads, N, d], key [kv_heads, N, d]; causal, no sliding window. Returns [query_heads, n, n] f32,
// n = ⌈N/block⌉: the largest probability of each block × block, each row then divided by its sum. Scores are rounded to
// the compute type as a library's product gives them. Some queries of one KV head at a time, so that scores take about
// `most_bytes`, or what `block` queries need.
[[nodiscard]] at::Tensor blockMaxPooling(const at::Tensor& query, const at::Tensor& key, std::int64_t block = 64,
                                         std::int64_t most_bytes = std::int64_t{1} << 30);

}  // namespace kvatlas::capture
