// Finds NaN and Inf before the probe starts, so that its inner loops need not; knows the probe's input only.
#pragma once

#include "kernels/attention_probe.h"

namespace kvatlas::kernels {

// The lowest query head with a query whose visible logits (or given lse) are not all finite, and its first such query.
// Finite values count as infinite when |query|·|key| of a key up to that query could overflow float. O(N·d) per head.
[[nodiscard]] ProbeReport firstNonFinite(const ProbeShape& shape, const ProbeInput& input, unsigned threads);

}  // namespace kvatlas::kernels
