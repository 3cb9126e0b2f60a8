#include "core/analysis/head_statistics.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "core/base/error.h"
#include "core/base/mean.h"
#include "kernels/map_pool.h"

namespace kvatlas::analysis {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kLocalShare = 32;  // "near" is a 32nd of the prompt

using MetricTexts = std::array<std::string_view, std::size(kHeadMetrics)>;  // in the order of the enum

std::string_view textOf(const MetricTexts& texts, HeadMetric metric) {
  const auto at = static_cast<std::size_t>(metric);
  if (at >= texts.size()) fail("head metric {} is unknown", at);
  return texts[at];
}

double sumOf(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// Share of a head's attention at most N/32 tokens back, from the cells of the coarsest map level.
float localityOf(const trace::Reader& reader, LayerIndex layer, HeadIndex head) {
  const auto& cells = reader.header().attention.cells;
  if (cells.empty()) return kNan;
  const auto map = reader.map(layer, head, trace::Reduction::Mean, cells.size() - 1);
  if (!map) return kNan;
  const std::size_t cell = cells.back(), side = (reader.tokens() + cell - 1) / cell;
  const kernels::MapGeometry geometry{reader.tokens(), cell, reader.header().model.sliding_window};
  double near = 0, all = 0;
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      const double mass = static_cast<double>((*map)[row * side + column]) *
                          static_cast<double>(kernels::visiblePairs(geometry, row, column));
      all += mass;
      if ((row - column) * kLocalShare <= side) near += mass;
    }
  }
  return all > 0 ? static_cast<float>(near / all) : kNan;
}

}  // namespace

std::string_view titleOf(HeadMetric metric) {
  constexpr MetricTexts kTitles{"entropy", "sink mass", "locality", "concentration", "retained mass", "kept tokens"};
  return textOf(kTitles, metric);
}

std::string_view meaningOf(HeadMetric metric) {
  constexpr MetricTexts kMeanings{
      "Entropy of the attention, mean over all queries, in nats.",
      "Share of the attention that falls on the first 4 tokens.",
      "Share of the attention that falls at most 1/32 of the prompt back.",
      "Share of the attention that falls on the most attended 1 % of the tokens.",
      "Share of the full cache's attention that the run in focus still holds, mean over generated tokens.",
      "Tokens that the run in focus keeps for this head.",
  };
  return textOf(kMeanings, metric);
}

bool ofRun(HeadMetric metric) {
  return metric == HeadMetric::Retained || metric == HeadMetric::Kept;
}

float HeadStatistics::of(HeadMetric metric) const {
  switch (metric) {
    case HeadMetric::Entropy:
      return entropy;
    case HeadMetric::SinkMass:
      return sink_mass;
    case HeadMetric::Locality:
      return locality;
    case HeadMetric::Concentration:
      return concentration;
    case HeadMetric::Retained:
    case HeadMetric::Kept:
      break;
  }
  fail("head metric {} is none of the attention's", static_cast<int>(metric));
}

float sinkMass(std::span<const float> received) {
  const double total = sumOf(received);
  return total > 0 ? static_cast<float>(sumOf(received.first(std::min(kSinkTokens, received.size()))) / total) : kNan;
}

float concentration(std::span<const float> received) {
  const double total = sumOf(received);
  if (!(total > 0)) return kNan;
  std::vector<float> sorted(received.begin(), received.end());
  const std::size_t count = std::max<std::size_t>(1, sorted.size() / 100);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count - 1), sorted.end(),
                   std::greater<>());
  return static_cast<float>(sumOf(std::span(sorted).first(count)) / total);
}

HeadStatistics headStatistics(const trace::Reader& reader, LayerIndex layer, HeadIndex head) {
  HeadStatistics statistics{kNan, kNan, kNan, kNan};
  if (!reader.hasLayer(layer) || !reader.hasHead(head)) return statistics;
  if (const auto entropy = reader.signalOfHead(layer, trace::Signal::Entropy, head))
    statistics.entropy = static_cast<float>(sumOf(*entropy) / static_cast<double>(entropy->size()));
  if (const auto received = reader.signalOfHead(layer, trace::Signal::Received, head)) {
    statistics.sink_mass = sinkMass(*received);
    statistics.concentration = concentration(*received);
  }
  statistics.locality = localityOf(reader, layer, head);
  return statistics;
}

float runMetric(const RunData& run, HeadMetric metric, LayerIndex layer, HeadIndex head) {
  const trace::RunRecord& record = run.record;
  const std::size_t heads = run.model.query_heads;
  if (!ofRun(metric)) fail("head metric {} is none of a run's", static_cast<int>(metric));
  if (metric == HeadMetric::Kept) {
    const std::size_t row = std::size_t{layer.value} * run.heads() + storedHead(run.header, run.model, head.value);
    return row < record.capacity.size() ? static_cast<float>(record.capacity[row]) : kNan;
  }
  const std::size_t step = std::size_t{run.model.layers} * heads;
  MeanOfMeasured mean;
  for (std::size_t at = layer.value * heads + head.value; at < record.retained.size(); at += step)
    mean.add(static_cast<double>(record.retained[at]));
  return static_cast<float>(mean.value());
}

}  // namespace kvatlas::analysis
