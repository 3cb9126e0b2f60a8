// Causal attention of a whole prompt by ATen's fused kernels, with the log-sum-exp of every row.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace kvatlas::capture {

struct AttentionOutput {
  at::Tensor output;  // [query_heads, N, d]
  at::Tensor lse;     // [query_heads, N] f32 natural log of the sum of exp(q·k/√d) over the visible keys
};

// How the work is split. `rows` decides the order of sums and must not depend on the machine; 0: chosen by the prompt's
// length.
struct AttentionBlocks {
  std::int64_t rows = 0;
};

// query [query_heads, N, d], key and value [kv_heads, N, d]. Query i sees keys j ≤ i, of these the last `window` where
// window > 0 (i − j < window, as in Transformers). Memory beyond the result is O(rows · (window + rows)) with a window,
// O(rows · heads · d) without; `between` runs between kernel calls of bounded work and may throw to stop.
[[nodiscard]] AttentionOutput causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                              std::uint64_t window, const std::function<void()>& between,
                                              const AttentionBlocks& blocks = {});

}  // namespace kvatlas::capture
