// Causal attention of a whole prompt, with the log-sum-exp of every row: our kernel on the host, ATen's on a device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace kvatlas::capture {

struct AttentionOutput {
  at::Tensor output;  // [query_heads, M, d]
  at::Tensor lse;     // [query_heads, M] f32 natural log of the sum of exp(q·k/√d) over the visible keys
};

// query [query_heads, M, d], key and value [kv_heads, N, d]: the queries are those of the last M ≤ N positions.
// Position i sees keys j ≤ i, of these the last `window` where window > 0 (i − j < window, as in Transformers). On the
// host the result does not depend on `threads` (0: all processors). `between` runs between parts of bounded work and
// may throw to stop.
[[nodiscard]] AttentionOutput causalAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                              std::uint64_t window, const std::function<void()>& between,
                                              unsigned threads = 0);

}  // namespace kvatlas::capture
