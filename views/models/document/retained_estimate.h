// Estimates the retained mass of a recomputed run: the share of the prompt's last queries' attention that falls on its
// kept tokens. A recorded run measures it while decoding instead. Runs on any thread. No Qt.
#pragma once

#include <memory>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/document/run_view.h"

namespace kvatlas::views {

// window_sum of every layer and query head: [layers][query_heads, N]; an empty layer was not recorded.
using WindowSums = std::vector<std::vector<float>>;

// Whether the sums of all layers are small enough to keep in memory.
[[nodiscard]] bool canEstimate(const trace::TraceHeader& header);
[[nodiscard]] std::vector<float> windowSumsOf(const trace::Reader& reader, LayerIndex layer);

// The run with `retained` and `oracle` of one step, [layers, query_heads]; NaN where a layer was not recorded.
[[nodiscard]] RunPointer withRetainedEstimate(const RunView& run, const WindowSums& sums, std::uint32_t window);

}  // namespace kvatlas::views
