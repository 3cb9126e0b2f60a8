// Encodes a measured layer as a trace record: log₂ codes, the map pyramid, bf16 bits of Q and K. Touches no file.
#pragma once

#include "capture/session/signals/layer_statistics.h"
#include "core/trace/records.h"

namespace kvatlas::capture {

// Reads `attention` only when its queries and keys are kept.
[[nodiscard]] trace::LayerRecord encodeLayer(const LayerAttention& attention, const LayerStatistics& statistics,
                                             const ModelConfig& config, const trace::AttentionPlan& plan,
                                             unsigned threads);

}  // namespace kvatlas::capture
