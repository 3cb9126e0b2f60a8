// The steps of a decision, each in one place: score a layer, allocate over all layers, select in a layer, join.
// decide() and decideRanked() drive them over a whole prompt; who sees one layer at a time calls them in this order.
// Arrays only.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// What selection reads of one layer once its signals are gone: its scores, or their order where that is enough.
struct RankedLayer {
  std::uint32_t heads = 0, depth = 0;
  std::vector<TokenIndex> order;  // [heads, depth] the best candidates of each head, best first; empty: not ordered
  LayerScores scores;             // empty where `order` is enough, or where the method has no score
};

// Whether the budget is the whole prompt, so that no layer has to be scored.
[[nodiscard]] bool keepsEverything(const Setting& setting);

// No values for a method without a score. The method sees the signals it needs and no others. Error naming layer and
// signal where one of them is absent or has another size than the table gives for the setting's shape and window.
[[nodiscard]] LayerScores scoreLayer(const Method& method, const Setting& setting, LayerIndex layer,
                                     const LayerSignals& of_layer);

// [layers, heads] tokens kept, each at most N. scores: of all layers where method.allocate_reads_scores; else not read.
[[nodiscard]] std::vector<std::uint32_t> allocateLayers(const Method& method, const Setting& setting,
                                                        std::span<const LayerScores> scores);

// Writes the positions the heads of one layer keep, ascending, one head after another. capacity: [heads], out: [Σ
// capacity]. Reads the order where there is one; std::logic_error when that is less deep than a capacity.
void selectLayer(const Method& method, const Setting& setting, LayerIndex layer, const RankedLayer& ranked,
                 std::span<const std::uint32_t> capacity, std::span<TokenIndex> out);

// Calls select(layer, capacity of its heads, out) for every layer on up to `threads` threads (0: all processors).
using LayerSelection = std::function<void(LayerIndex, std::span<const std::uint32_t>, std::span<TokenIndex>)>;
[[nodiscard]] Decision selectLayers(const Setting& setting, std::vector<std::uint32_t> capacity, unsigned threads,
                                    const LayerSelection& select);

}  // namespace kvatlas::policy
