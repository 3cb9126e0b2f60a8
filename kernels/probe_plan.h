// Splits the work of attentionProbe from the shape alone, so that results cannot depend on the thread count.
#pragma once

#include <cstddef>

#include "kernels/attention_probe.h"
#include "kernels/blocks/packed_keys.h"

namespace kvatlas::kernels {

// Maximum rows summed in float before the sum is added to a double; a power of two.
inline constexpr std::size_t kMostFlushRows = 256;

// Blocks of keys fit the L2 cache. Consecutive blocks that share map cells form a span; span s belongs to segment
// s mod segments. One task computes one segment for all query heads of one KV head, block after
// block.
struct ProbePlan {
  std::size_t block_keys = 0;  // a power of two ≥ kPanelKeys
  std::size_t span_keys = 0;   // max(block_keys, cell)
  std::size_t spans = 0;
  std::size_t segments = 0;    // partial row sums per query head: bounded for every N
  std::size_t flush_rows = 0;  // rows summed before they are added to the map; divides kMostFlushRows
};

// Throws std::invalid_argument naming the field.
void checkProbe(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output);
[[nodiscard]] ProbePlan planProbe(const ProbeShape& shape, const ProbeOutput& output);

}  // namespace kvatlas::kernels
