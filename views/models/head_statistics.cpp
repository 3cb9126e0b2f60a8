#include "views/models/head_statistics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "kernels/map_pool.h"

namespace kvatlas::views {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kLocalShare = 32;  // "near" is a 32nd of the prompt

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
  constexpr std::string_view kTitles[] = {"entropy",       "sink mass",     "locality",
                                          "concentration", "retained mass", "kept tokens"};
  return kTitles[static_cast<std::size_t>(metric)];
}

std::string_view meaningOf(HeadMetric metric) {
  constexpr std::string_view kMeanings[] = {
      "Entropy of the attention, mean over all queries, in nats.",
      "Share of the attention that falls on the first 4 tokens.",
      "Share of the attention that falls at most 1/32 of the prompt back.",
      "Share of the attention that falls on the most attended 1 % of the tokens.",
      "Share of the full cache's attention that the run in focus still holds, mean over generated tokens.",
      "Tokens that the run in focus keeps for this head.",
  };
  return kMeanings[static_cast<std::size_t>(metric)];
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
  return kNan;
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

float runMetric(const RunView& run, HeadMetric metric, LayerIndex layer, HeadIndex head) {
  const trace::RunRecord& record = run.run.record;
  const std::size_t heads = run.model.query_heads;
  if (metric == HeadMetric::Kept) {
    const std::size_t row = std::size_t{layer.value} * run.heads() + storedHead(run.run.header, run.model, head.value);
    return row < record.capacity.size() ? static_cast<float>(record.capacity[row]) : kNan;
  }
  const std::size_t step = std::size_t{run.model.layers} * heads;
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t at = layer.value * heads + head.value; at < record.retained.size(); at += step) {
    if (std::isnan(record.retained[at])) continue;
    sum += static_cast<double>(record.retained[at]);
    ++count;
  }
  return count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : kNan;
}

}  // namespace kvatlas::views
