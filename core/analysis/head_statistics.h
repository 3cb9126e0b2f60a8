// Statistics of one head's attention, from a layer's recorded signals.
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
[[nodiscard]] std::string_view meaningOf(HeadMetric metric);  // one sentence for a tooltip
[[nodiscard]] bool ofRun(HeadMetric metric);                  // Retained, Kept: properties of a run, not of the trace

// NaN if it was not captured.
struct HeadStatistics {
  float entropy, sink_mass, locality, concentration;
  [[nodiscard]] float of(HeadMetric metric) const;  // Error for a run metric
};

inline constexpr std::size_t kSinkTokens = 4;

// Share of Σ received on the first kSinkTokens tokens, and on the most attended hundredth of the tokens (at least one).
[[nodiscard]] float sinkMass(std::span<const float> received);
[[nodiscard]] float concentration(std::span<const float> received);

// All NaN if the layer or head was not recorded.
[[nodiscard]] HeadStatistics headStatistics(const trace::Reader& reader, LayerIndex layer, HeadIndex head);

// Retained or Kept of a run for one query head: the retained mass, mean over steps, or the length of its list. NaN if
// unknown, Error for the other metrics.
[[nodiscard]] float runMetric(const RunData& run, HeadMetric metric, LayerIndex layer, HeadIndex head);

}  // namespace kvatlas::analysis
