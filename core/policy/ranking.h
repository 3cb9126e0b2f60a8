// Sorts scores once, so that the decision for any budget is a prefix: this makes the budget slider interactive. Arrays
// only.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/policy/layer_decision.h"

namespace kvatlas::policy {

// depth: how many of the best candidates to sort, at most all.
[[nodiscard]] RankedLayer rankLayer(const Method& method, LayerScores scores, std::uint32_t depth);

struct RankedDecision {
  std::optional<Decision> decision;  // empty: the orders are too short
  std::uint32_t needed_depth = 0;
};

// Equal to decide() on the signals that the layers were ranked from, in time proportional to the kept tokens. `setting`
// may differ from theirs in the budget and in parameters that do not change the score. `layers` may be empty without a
// score, or when the budget covers the prompt.
[[nodiscard]] RankedDecision decideRanked(const Method& method, const Setting& setting,
                                          std::span<const RankedLayer> layers);

}  // namespace kvatlas::policy
