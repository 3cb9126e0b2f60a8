// One tile out of a trace: read (or recomputed from queries and keys) head by head, then joined; knows no thread.
#pragma once

#include <vector>

#include "core/trace/reader.h"
#include "views/models/map/tile.h"
#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// Which levels a layer has: those of the file and, where its queries and keys were kept, exact ones below them, down
// to one token per cell. Exact cells are at most 16 tokens wide: wider ones cost more than a person waits for.
[[nodiscard]] TilePyramid pyramidOf(const trace::TraceHeader& header, LayerIndex layer);

// The heads that take part in a tile; what was not captured leaves `heads` empty.
struct RawTile {
  std::uint32_t rows = 0, columns = 0;
  std::vector<std::vector<std::uint16_t>> heads;  // log₂ codes [rows, columns] each
};
[[nodiscard]] RawTile readTile(const trace::Reader& reader, const TilePyramid& pyramid, const TileKey& key);

// One head as it is; several as their mean or maximum per cell.
[[nodiscard]] TilePointer joinTile(RawTile raw, const HeadChoice& head);

}  // namespace kvatlas::views
