// How alike two runs decide: Jaccard index of what they keep; values only.
#pragma once

#include <vector>

#include "views/models/document/run_view.h"

namespace kvatlas::views {

// Mean over the heads of a layer; runs of different granularity are compared query head by query head. NaN where the
// runs are of different models or prompts.
[[nodiscard]] double agreement(const RunView& a, const RunView& b, LayerIndex layer);
[[nodiscard]] std::vector<double> agreementPerLayer(const RunView& a, const RunView& b);

}  // namespace kvatlas::views
