// The steps of a decision: score a layer, allocate over all layers, select in a layer, join.
// decide() and decideRanked() run them over a whole prompt; a caller that has one layer at a time runs them in order.
// Arrays only.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// The input of selection for one layer, kept after its signals are released: its scores, or their order if sufficient.
struct RankedLayer {
  std::uint32_t heads = 0, depth = 0;
  std::vector<TokenIndex> order;  // [heads, depth] the best candidates of each head, best first; empty: not ordered
  LayerScores scores;             // empty if `order` is sufficient or the method has no score
};

// Whether the budget covers the prompt, so that no layer needs a score.
[[nodiscard]] bool keepsEverything(const Setting& setting);

// Everything is kept, and the capacities are what queries read.
[[nodiscard]] Decision readsOf(const Setting& setting, std::vector<std::uint32_t> capacity);

// No values for a method without a score. Passes only the signals that the method needs. Error naming layer and
// signal if one is absent or its size does not match the setting's shape and window.
[[nodiscard]] LayerScores scoreLayer(const Method& method, const Setting& setting, LayerIndex layer,
                                     const LayerSignals& of_layer);

// [layers, heads] tokens kept, each at most N. `scores`: all layers if method.allocate_reads_scores; else not read.
[[nodiscard]] std::vector<std::uint32_t> allocateLayers(const Method& method, const Setting& setting,
                                                        std::span<const LayerScores> scores);

// Writes the kept positions of one layer's heads, ascending, head by head. capacity: [heads], out: [Σ
// capacity]. Uses the order if there is one; std::logic_error if it is shorter than a capacity.
void selectLayer(const Method& method, const Setting& setting, LayerIndex layer, const RankedLayer& ranked,
                 std::span<const std::uint32_t> capacity, std::span<TokenIndex> out);

// Calls select(layer, capacity of its heads, out) for every layer on up to `threads` threads (0: all processors).
using LayerSelection = std::function<void(LayerIndex, std::span<const std::uint32_t>, std::span<TokenIndex>)>;
[[nodiscard]] Decision selectLayers(const Setting& setting, std::vector<std::uint32_t> capacity, unsigned threads,
                                    const LayerSelection& select);

}  // namespace kvatlas::policy
