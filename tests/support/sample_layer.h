// The recorded attention of one layer of a sample trace: signals and map pyramids of every head.
#pragma once

#include <cstdint>
#include <vector>

#include "core/trace/records.h"
#include "tests/support/sample_attention.h"
#include "tests/support/sample_trace.h"

namespace kvatlas::test {

[[nodiscard]] trace::LayerRecord makeLayer(const SampleTraceOptions& options, const std::vector<std::uint64_t>& cells,
                                           const SampleAttention& attention, std::uint32_t layer);
// Tokens per cell of every level, the finest first.
[[nodiscard]] std::vector<std::uint64_t> mapCells(const SampleTraceOptions& options);

}  // namespace kvatlas::test
