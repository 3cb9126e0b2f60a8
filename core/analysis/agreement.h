// How alike two runs decide: Jaccard index of what they keep.
#pragma once

#include <vector>

#include "core/analysis/run_data.h"

namespace kvatlas::analysis {

// Mean over the heads of a layer; runs of different granularity are compared query head by query head. NaN where the
// runs are of different models or prompts.
[[nodiscard]] double agreement(const RunData& a, const RunData& b, LayerIndex layer);
[[nodiscard]] std::vector<double> agreementPerLayer(const RunData& a, const RunData& b);

}  // namespace kvatlas::analysis
