#include "views/models/figures/run_strips.h"

#include <span>

#include "core/base/error.h"

namespace kvatlas::views {
namespace {

std::span<const TokenIndex> keptBy(const ChosenRun& run, std::size_t layer, std::size_t head) {
  const std::size_t row = layer * run.header.heads + head;
  const auto begin = run.record.kept_offsets.at(row), end = run.record.kept_offsets.at(row + 1);
  const std::span<const TokenIndex> kept = run.record.kept(row);
  if (begin > end || end - begin != kept.size())
    fail("run {}: the kept positions of layer {} head {} are damaged", run.index, layer, head);
  return kept;
}

void addKept(ValueGrid& grid, std::size_t row, std::span<const TokenIndex> kept, float amount) {
  for (const TokenIndex position : kept)
    if (position < grid.columns) grid.at(row, position) += amount;
}

// Counts first and divides once, so that three of three heads give exactly 1.
void addLayer(ValueGrid& grid, std::size_t row, const ChosenRun& run, std::size_t layer) {
  for (std::size_t head = 0; head < run.header.heads; ++head) addKept(grid, row, keptBy(run, layer, head), 1.0F);
  for (std::size_t c = 0; c < grid.columns; ++c) grid.at(row, c) /= static_cast<float>(run.header.heads);
}

}  // namespace

ValueGrid keptFractions(const trace::ModelInfo& model, std::uint64_t tokens, const ChosenRun& run) {
  ValueGrid grid = ValueGrid::filled(model.layers, tokens, 0);
  for (std::size_t layer = 0; layer < model.layers; ++layer) addLayer(grid, layer, run, layer);
  return grid;
}

ValueGrid keptShares(const trace::ModelInfo& model, std::uint64_t tokens, const ChosenRun& run) {
  ValueGrid grid = ValueGrid::filled(1, tokens, 0);
  for (std::size_t layer = 0; layer < model.layers; ++layer)
    for (std::size_t head = 0; head < run.header.heads; ++head) addKept(grid, 0, keptBy(run, layer, head), 1.0F);
  for (float& share : grid.values) share /= static_cast<float>(model.layers * run.header.heads);
  return grid;
}

ValueGrid keptStrip(const trace::ModelInfo& model, std::uint64_t tokens, const ChosenRun& run, LayerIndex layer,
                    std::optional<HeadIndex> query_head) {
  ValueGrid grid = ValueGrid::filled(1, tokens, 0);
  if (query_head) {
    addKept(grid, 0, keptBy(run, layer.value, storedHead(run.header, model, query_head->value)), 1.0F);
  } else {
    addLayer(grid, 0, run, layer.value);
  }
  return grid;
}

}  // namespace kvatlas::views
