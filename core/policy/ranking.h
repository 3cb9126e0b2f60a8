// Scores put in order once, so that the decision of any budget is read off them: what makes a budget draggable. Arrays
// only.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/policy/layer_decision.h"

namespace kvatlas::policy {

// depth: how many of the best candidates to put in order, at most all.
[[nodiscard]] RankedLayer rankLayer(const Method& method, LayerScores scores, std::uint32_t depth);

struct RankedDecision {
  std::optional<Decision> decision;  // empty: the orders are not deep enough
  std::uint32_t needed_depth = 0;
};

// Equal to decide() on the signals the layers were ranked from, in time proportional to what is kept. The setting may
// differ from theirs in the budget and in parameters that do not change the score. Without a score, or with a budget of
// the whole prompt, `layers` may be empty.
[[nodiscard]] RankedDecision decideRanked(const Method& method, const Setting& setting,
                                          std::span<const RankedLayer> layers);

}  // namespace kvatlas::policy
