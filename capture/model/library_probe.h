// Exact attention statistics from libtorch's fused attention, without our kernels: a second oracle for the probe, and a
// fallback where the probe cannot run.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kvatlas::capture {

struct LibraryStatistics {
  at::Tensor lse, entropy, received;  // [query_heads, N] f32
  at::Tensor map_sum;  // [query_heads, bins, bins] Σ p over query bin × key bin; undefined without bins
};

// query [query_heads, N, d], key [kv_heads, N, d] f32; causal, no sliding window. `bin` tokens per map bin, 0: no map.
// Costs two fused attention calls and one more per ~d map rows.
//
// Column sums: Σ_{i ≥ j} exp(s_ij − lse_i) is the exponential of the log-sum-exp of attention whose queries are the
// keys and whose keys are the queries, with the bias −lse_i: one more dimension of the dot product. With the tokens in
// reverse order "i ≥ j" is the ordinary causal mask. With indicators of query bins as values, its output times that sum
// is the column sum per query bin. Entropy: lse_i − Σ_j p_ij s_ij = lse_i − scale · q_i · (attention with values =
// keys).
[[nodiscard]] LibraryStatistics libraryProbe(const at::Tensor& query, const at::Tensor& key, std::int64_t bin = 0);

}  // namespace kvatlas::capture
