// Agreement of two runs: Jaccard index of their kept sets.
#pragma once

#include <vector>

#include "core/analysis/run_data.h"

namespace kvatlas::analysis {

// Mean over the heads of a layer; compares runs of different granularity by query head. NaN if the
// runs have different models or prompts.
[[nodiscard]] double agreement(const RunData& a, const RunData& b, LayerIndex layer);
[[nodiscard]] std::vector<double> agreementPerLayer(const RunData& a, const RunData& b);

}  // namespace kvatlas::analysis
