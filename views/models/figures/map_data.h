// Reads attention maps and their tracks from a trace for figures; no Qt Gui.
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
  ValueGrid grid;  // queries × keys, weights = visible pairs; missing(): not captured or not yet written
};

// The map of a layer, for one query head or the mean over all, at the coarsest level with at least `cells` cells per
// side (else the finest). Cells without a visible pair are kMasked.
[[nodiscard]] MapPanel loadMap(const trace::Reader& reader, LayerIndex layer, std::optional<HeadIndex> head,
                               trace::Reduction reduction, std::size_t cells);

// The upper end of a linear colour scale for these maps: the 98th percentile of non-zero cells, rounded up to 1, 2 or 5
// times a power of ten, at most `most`. `most` if all cells are zero.
[[nodiscard]] double fittedClip(const std::vector<MapPanel>& panels, double most);

// A per-token signal [N] of one head, or its mean over the query heads; empty if it was not captured.
[[nodiscard]] std::vector<float> loadTrack(const trace::Reader& reader, LayerIndex layer, std::optional<HeadIndex> head,
                                           trace::Signal signal);

// `most` evenly spaced recorded layers, including the first and the last.
[[nodiscard]] std::vector<LayerIndex> spreadLayers(const trace::Reader& reader, std::size_t most);

// Error if the trace has no maps; UsageError for a layer or head that is not in the model or was not
// recorded.
void requireMaps(const trace::Reader& reader);
void requireLayer(const trace::Reader& reader, std::uint32_t layer);
void requireHead(const trace::Reader& reader, std::uint32_t head);

}  // namespace kvatlas::views
