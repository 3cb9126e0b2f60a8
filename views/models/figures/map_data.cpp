#include "views/models/figures/map_data.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/base/error.h"
#include "kernels/map_pool.h"

namespace kvatlas::views {
namespace {

std::size_t chooseLevel(const trace::Reader& reader, std::size_t cells) {
  const std::vector<std::uint64_t>& levels = reader.header().attention.cells;
  std::size_t level = 0;
  while (level + 1 < levels.size() && reader.tokens() / levels[level + 1] >= cells) ++level;
  return level;
}

// Running mean over heads in head order, so that the same file gives the same bytes.
std::vector<float> meanOverHeads(const std::vector<double>& sum, std::size_t heads) {
  std::vector<float> mean(sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i) mean[i] = static_cast<float>(sum[i] / static_cast<double>(heads));
  return mean;
}

std::vector<float> readMap(const trace::Reader& reader, LayerIndex layer, std::optional<HeadIndex> head,
                           trace::Reduction reduction, std::size_t level) {
  if (head) return reader.map(layer, *head, reduction, level).value_or(std::vector<float>{});
  std::vector<double> sum;
  std::size_t heads = 0;
  for (std::size_t h = 0; h < reader.header().model.query_heads; ++h) {
    if (!reader.hasHead(HeadIndex(h))) continue;
    const auto map = reader.map(layer, HeadIndex(h), reduction, level);
    if (!map) return {};
    ++heads;
    sum.resize(map->size());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>((*map)[i]);
  }
  return meanOverHeads(sum, heads);
}

// Sets the number of visible pairs per cell and masks cells without any.
void applyMask(ValueGrid& grid, const kernels::MapGeometry& geometry) {
  grid.weights.resize(grid.values.size());
  for (std::size_t r = 0; r < grid.rows; ++r) {
    for (std::size_t c = 0; c < grid.columns; ++c) {
      const std::size_t pairs = c > r ? 0 : kernels::visiblePairs(geometry, r, c);
      grid.weights[r * grid.columns + c] = static_cast<float>(pairs);
      if (pairs == 0) grid.at(r, c) = kMasked;
    }
  }
}

}  // namespace

MapPanel loadMap(const trace::Reader& reader, LayerIndex layer, std::optional<HeadIndex> head,
                 trace::Reduction reduction, std::size_t cells) {
  const std::size_t level = chooseLevel(reader, cells);
  MapPanel panel{layer, head, reader.header().attention.cells.at(level), {}};
  std::vector<float> values = readMap(reader, layer, head, reduction, level);
  if (values.empty()) return panel;
  const std::size_t n = (reader.tokens() + panel.cell - 1) / panel.cell;
  if (values.size() != n * n)
    fail("{}: the map of layer {} is not {}×{} cells", reader.path().string(), layer.value, n, n);
  const double span = static_cast<double>(reader.tokens()) / static_cast<double>(panel.cell);
  panel.grid = {n, n, span, span, std::move(values), {}};
  applyMask(panel.grid, {reader.tokens(), panel.cell, reader.header().model.sliding_window});
  return panel;
}

std::vector<float> loadTrack(const trace::Reader& reader, LayerIndex layer, std::optional<HeadIndex> head,
                             trace::Signal signal) {
  if (head) return reader.signalOfHead(layer, signal, *head).value_or(std::vector<float>{});
  const auto all = reader.signal(layer, signal);
  const std::size_t tokens = reader.tokens();
  if (!all || all->empty() || tokens == 0) return {};
  std::vector<double> sum(tokens);
  std::size_t heads = 0;
  for (std::size_t h = 0; h < all->size() / tokens; ++h) {
    if (std::isnan((*all)[h * tokens])) continue;  // not recorded
    ++heads;
    for (std::size_t i = 0; i < tokens; ++i) sum[i] += static_cast<double>((*all)[h * tokens + i]);
  }
  return meanOverHeads(sum, heads);
}

std::vector<LayerIndex> spreadLayers(const trace::Reader& reader, std::size_t most) {
  const std::vector<LayerIndex>& recorded = reader.header().attention.layers;
  if (recorded.size() <= most) return recorded;
  std::vector<LayerIndex> spread;
  for (std::size_t i = 0; i < most; ++i)
    spread.push_back(recorded[(i * (recorded.size() - 1) + (most - 1) / 2) / (most - 1)]);
  return spread;
}

void requireMaps(const trace::Reader& reader) {
  const trace::AttentionPlan& plan = reader.header().attention;
  if (plan.layers.empty() || plan.cells.empty())
    fail("{}: the trace has no attention maps (captured with --map-size 0)", reader.path().string());
  const bool any =
      std::any_of(plan.layers.begin(), plan.layers.end(), [&](LayerIndex layer) { return reader.hasLayer(layer); });
  if (!any) fail("{}: the capture stopped before it wrote the attention of any layer", reader.path().string());
}

void requireLayer(const trace::Reader& reader, std::uint32_t layer) {
  const std::uint32_t layers = reader.header().model.layers;
  if (layer >= layers) failUsage("layer {}: the model has layers 0 to {}", layer, layers - 1);
  const std::vector<LayerIndex>& recorded = reader.header().attention.layers;
  if (std::find(recorded.begin(), recorded.end(), LayerIndex(layer)) != recorded.end()) return;
  std::vector<std::uint32_t> numbers;
  for (const LayerIndex each : recorded) numbers.push_back(each.value);
  failUsage("layer {} was not recorded; the trace has {}", layer, fmt::join(numbers, ", "));
}

void requireHead(const trace::Reader& reader, std::uint32_t head) {
  const std::uint32_t heads = reader.header().model.query_heads;
  if (head >= heads) failUsage("head {}: the model has query heads 0 to {}", head, heads - 1);
  if (reader.hasHead(HeadIndex(head))) return;
  std::vector<std::uint32_t> numbers;
  for (const HeadIndex each : reader.header().attention.heads) numbers.push_back(each.value);
  failUsage("head {} was not recorded; the trace has {}", head, fmt::join(numbers, ", "));
}

double fittedClip(const std::vector<MapPanel>& panels, double most) {
  std::vector<float> values;
  for (const MapPanel& panel : panels)
    std::ranges::copy_if(panel.grid.values, std::back_inserter(values), [](float value) { return value > 0; });
  if (values.empty()) return most;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * 98 / 100);
  std::nth_element(values.begin(), at, values.end());
  const double wanted = static_cast<double>(*at), power = std::pow(10.0, std::floor(std::log10(wanted)));
  for (const double step : {1.0, 2.0, 5.0, 10.0})
    if (step * power >= wanted) return std::min(most, step * power);
  return most;
}

}  // namespace kvatlas::views
