// Finds NaN and Inf in the probe's input first, so that its inner loops need no checks.
#pragma once

#include "kernels/attention_probe.h"

namespace kvatlas::kernels {

// The lowest query head with a non-finite visible logit (or given lse), and its first such query.
// Finite values count as infinite if |query|·|key| could overflow float for a key up to that query. O(N·d) per head.
[[nodiscard]] ProbeReport firstNonFinite(const ProbeShape& shape, const ProbeInput& input, unsigned threads);

}  // namespace kvatlas::kernels
