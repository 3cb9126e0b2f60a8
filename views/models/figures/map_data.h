// Attention maps and their marginal tracks, gathered from a trace for drawing; knows no Qt Gui.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trace/reader.h"
#include "views/models/map/value_grid.h"

namespace kvatlas::views {

struct MapPanel {
  LayerIndex layer;
  std::optional<HeadIndex> head;  // empty: mean over the query heads
  std::uint64_t cell = 0;         // tokens per cell
  ValueGrid grid;                 // queries × keys, weights = visible pairs; missing(): not captured or not flushed
};

// The map of a layer, of one query head or the mean over all, at the coarsest level that still has `cells` cells each
// way (the finest where none has). Cells no query can see are kMasked.
[[nodiscard]] MapPanel loadMap(const trace::Reader& reader, LayerIndex layer, std::optional<HeadIndex> head,
                               trace::Reduction reduction, std::size_t cells);

// Where a linear colour scale of these maps ends: 98 % of the cells above zero lie below it, rounded up to 1, 2 or 5
// times a power of ten; never above `most`. `most` where nothing is above zero.
[[nodiscard]] double fittedClip(const std::vector<MapPanel>& panels, double most);

// A per-token signal [N] of one head, or its mean over the query heads; empty where it was not captured.
[[nodiscard]] std::vector<float> loadTrack(const trace::Reader& reader, LayerIndex layer, std::optional<HeadIndex> head,
                                           trace::Signal signal);

// `most` layers spread evenly over the recorded ones, first and last included.
[[nodiscard]] std::vector<LayerIndex> spreadLayers(const trace::Reader& reader, std::size_t most);

// Error when the trace holds no maps; UsageError for a layer or head that the model does not have or that was not
// recorded.
void requireMaps(const trace::Reader& reader);
void requireLayer(const trace::Reader& reader, std::uint32_t layer);
void requireHead(const trace::Reader& reader, std::uint32_t head);

}  // namespace kvatlas::views
