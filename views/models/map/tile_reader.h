// Reads (or recomputes from queries and keys) a tile head by head, then aggregates the heads.
#pragma once

#include <vector>

#include "core/trace/reader.h"
#include "views/models/map/tile.h"
#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// The levels of a layer: those in the file and, if queries and keys are stored, exact ones below them, down to one
// token per cell. Exact cells are at most 16 tokens wide: wider ones are too slow for interaction.
[[nodiscard]] TilePyramid pyramidOf(const trace::TraceHeader& header, LayerIndex layer);

// The heads of a tile before aggregation; `heads` is empty if not captured.
struct RawTile {
  std::uint32_t rows = 0, columns = 0;
  std::vector<std::vector<std::uint16_t>> heads;  // log₂ codes [rows, columns] each
};
[[nodiscard]] RawTile readTile(const trace::Reader& reader, const TilePyramid& pyramid, const TileKey& key);

// A single head unchanged; several as mean or maximum per cell.
[[nodiscard]] TilePointer joinTile(RawTile raw, const HeadChoice& head);

}  // namespace kvatlas::views
