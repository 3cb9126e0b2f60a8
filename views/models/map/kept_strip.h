// What one run keeps for one or more heads, per token, and why; no Qt.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/policy/policy.h"
#include "views/models/document/head_choice.h"
#include "views/models/document/run_view.h"
#include "views/models/map/position_counts.h"

namespace kvatlas::views {

struct KeptStrip {
  std::string title;
  Rgb colour;
  std::vector<float> share;             // [tokens] fraction of heads that keep a token
  std::vector<policy::Reason> reasons;  // [tokens] the reason of one of them
};

// The stored heads of a run that serve a choice, ascending.
[[nodiscard]] std::vector<std::size_t> storedHeadsOf(const RunView& run, const HeadChoice& head);
[[nodiscard]] KeptStrip keptStripOf(const RunView& run, LayerIndex layer, const HeadChoice& head, Theme theme);
// Tokens that at least one of the heads keeps; null if nothing was evicted.
[[nodiscard]] std::shared_ptr<const PositionCounts> keptColumnsOf(const RunView& run, LayerIndex layer,
                                                                  const HeadChoice& head);

}  // namespace kvatlas::views
