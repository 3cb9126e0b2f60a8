// The share of the full attention that a kept set holds, and the best possible for its size; arrays only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::analysis {

// Σ probabilities[p] over kept prompt positions and all generated tokens (from prompt_tokens, always kept).
[[nodiscard]] double retainedMass(std::span<const float> probabilities, std::uint32_t prompt_tokens,
                                  std::span<const TokenIndex> kept);

// For each size: generated mass + the sum of the `size` largest prompt probabilities. `sizes` in any order, ≤
// prompt_tokens. O(N), exact.
[[nodiscard]] std::vector<double> oracleMass(std::span<const float> probabilities, std::uint32_t prompt_tokens,
                                             std::span<const std::uint32_t> sizes);

// KL(P‖Q) in nats of two softmax distributions given by logits, in double precision.
[[nodiscard]] double klDivergence(std::span<const float> p_logits, std::span<const float> q_logits);

// |a ∩ b| / |a ∪ b| of two ascending position lists; 1 if both are empty.
[[nodiscard]] double jaccard(std::span<const TokenIndex> a, std::span<const TokenIndex> b);

}  // namespace kvatlas::analysis
