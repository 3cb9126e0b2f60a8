// Numbers that characterise one head's attention, worked out from a layer's recorded signals.
#pragma once

#include <span>
#include <string_view>

#include "core/analysis/run_data.h"
#include "core/trace/reader.h"

namespace kvatlas::analysis {

enum class HeadMetric { Entropy, SinkMass, Locality, Concentration, Retained, Kept };
inline constexpr HeadMetric kHeadMetrics[] = {HeadMetric::Entropy,       HeadMetric::SinkMass, HeadMetric::Locality,
                                              HeadMetric::Concentration, HeadMetric::Retained, HeadMetric::Kept};
[[nodiscard]] std::string_view titleOf(HeadMetric metric);    // "entropy"
[[nodiscard]] std::string_view meaningOf(HeadMetric metric);  // one sentence for a tool tip
[[nodiscard]] bool ofRun(HeadMetric metric);                  // Retained, Kept: they belong to a run, not to the trace

// NaN where it was not captured.
struct HeadStatistics {
  float entropy, sink_mass, locality, concentration;
  [[nodiscard]] float of(HeadMetric metric) const;  // Error for a metric of a run
};

inline constexpr std::size_t kSinkTokens = 4;

// Share of Σ received on the first kSinkTokens tokens; on the most attended hundredth of them (at least one).
[[nodiscard]] float sinkMass(std::span<const float> received);
[[nodiscard]] float concentration(std::span<const float> received);

// All NaN where the layer or head was not recorded.
[[nodiscard]] HeadStatistics headStatistics(const trace::Reader& reader, LayerIndex layer, HeadIndex head);

// Retained or Kept of a run for one query head: mean over steps of the retained mass, tokens its list holds. NaN where
// it is not known, Error for the other metrics.
[[nodiscard]] float runMetric(const RunData& run, HeadMetric metric, LayerIndex layer, HeadIndex head);

}  // namespace kvatlas::analysis
