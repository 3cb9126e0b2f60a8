// One layer's recorded signal, as scores need it; runs on the reading thread.
#pragma once

#include <string>
#include <vector>

#include "core/policy/policy.h"
#include "core/trace/reader.h"

namespace kvatlas::views {

// Owns what policy::LayerSignals points to.
struct LayerData {
  std::string signal;  // its name in the trace
  std::vector<float> values;
  [[nodiscard]] policy::LayerSignals view() const;
};

// A window smaller than the recorded one is summed from the recorded rows (a log₂ code: within 0.02 %). Error naming
// layer and signal where it was not recorded.
[[nodiscard]] LayerData readLayerData(const trace::Reader& reader, LayerIndex layer, const std::string& signal,
                                      std::uint32_t window);

}  // namespace kvatlas::views
