// Which positions each run keeps, as fractions of heads; no Qt Gui.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/figures/run_choice.h"
#include "views/models/map/value_grid.h"

namespace kvatlas::views {

// [layers, N]: the fraction of a layer's stored heads that keep each position. Row 0 is layer 0.
[[nodiscard]] ValueGrid keptFractions(const trace::ModelInfo& model, std::uint64_t tokens, const ChosenRun& run);

// [1, N]: the fraction of the stored heads of all layers that keep each position.
[[nodiscard]] ValueGrid keptShares(const trace::ModelInfo& model, std::uint64_t tokens, const ChosenRun& run);

// [1, N]: whether the stored head of a query head keeps each position (0 or 1); without a head, the fraction of heads.
[[nodiscard]] ValueGrid keptStrip(const trace::ModelInfo& model, std::uint64_t tokens, const ChosenRun& run,
                                  LayerIndex layer, std::optional<HeadIndex> query_head);

}  // namespace kvatlas::views
