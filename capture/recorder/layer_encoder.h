// Turns a measured layer into its record: log₂ codes, the map pyramid, bf16 bits of Q and K. Knows no file.
#pragma once

#include "capture/session/layer_statistics.h"
#include "core/trace/records.h"

namespace kvatlas::capture {

// Map cells of every level for a prompt: level 0 is the smallest power of two with ⌈N/cell⌉ ≤ map_size, doubled until
// ⌈N/cell⌉ ≤ 64. Empty for map_size 0.
[[nodiscard]] std::vector<std::uint64_t> mapCells(std::uint64_t tokens, std::uint64_t map_size);

// `statistics` is read, `attention` only for keep_qk.
[[nodiscard]] trace::LayerRecord encodeLayer(const LayerAttention& attention, const LayerStatistics& statistics,
                                             const ModelConfig& config, const trace::AttentionPlan& plan,
                                             unsigned threads);

}  // namespace kvatlas::capture
