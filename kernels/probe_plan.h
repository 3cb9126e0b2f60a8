// How attentionProbe cuts its work, from the shape alone, so that results cannot depend on threads; knows no data.
#pragma once

#include <cstddef>

#include "kernels/attention_probe.h"
#include "kernels/packed_keys.h"

namespace kvatlas::kernels {

// Rows summed in float at most before the sum goes to double; a power of two.
inline constexpr std::size_t kMostFlushRows = 256;

// Keys are cut into blocks that fit the second-level cache; consecutive blocks that share map cells form a span; span s
// belongs to segment s mod segments. One task computes one segment for all query heads of one KV head, block after
// block.
struct ProbePlan {
  std::size_t block_keys = 0;  // a power of two ≥ kPanelKeys
  std::size_t span_keys = 0;   // max(block_keys, cell)
  std::size_t spans = 0;
  std::size_t segments = 0;    // partial row sums kept per query head: bounded, whatever N
  std::size_t flush_rows = 0;  // rows summed before they go into the map; divides kMostFlushRows
};

// Throws std::invalid_argument that names the field.
void checkProbe(const ProbeShape& shape, const ProbeInput& input, const ProbeOutput& output);
[[nodiscard]] ProbePlan planProbe(const ProbeShape& shape, const ProbeOutput& output);

}  // namespace kvatlas::kernels
