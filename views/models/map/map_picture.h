// What a map shows: one or two sides and how they are put together, as pixel values and colours. No Qt Gui.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "views/models/map/map_colours.h"
#include "views/models/map/map_raster.h"
#include "views/models/map/picture_sides.h"
#include "views/models/map/position_counts.h"
#include "views/models/map/tile_source.h"

namespace kvatlas::views {

struct MapSide {
  TileSource* source = nullptr;
  LayerIndex layer;
  HeadChoice head;
  trace::Reduction reduction = trace::Reduction::Max;
  std::shared_ptr<const PositionCounts> kept;  // of the run in focus; null: nothing is evicted
  std::string name;                            // of that run, or of the trace where two are compared

  [[nodiscard]] TileKey key(TilePlace place) const {
    return {layer, head, reduction, place.level, place.row, place.column};
  }
  [[nodiscard]] bool sameMap(const MapSide& other) const {
    return source == other.source && layer == other.layer && head == other.head && reduction == other.reduction;
  }
};

// Two sides over the same map compare what two runs keep; over two maps, the maps.
struct MapPicture {
  MapSide a;
  std::optional<MapSide> b;
  PictureSides mode = PictureSides::OnlyA;

  [[nodiscard]] bool comparesRuns() const { return b && a.sameMap(*b); }
  [[nodiscard]] bool shows(bool second) const;  // whether that side's tiles are needed
  [[nodiscard]] bool isSigned() const;          // drawn with the diverging colours
};

// Pixel values of a rectangle of world pixels.
struct MapValues {
  PixelRect area;
  MapScale scale;
  std::vector<std::int32_t> first, second;  // [height, width]; second: only for differences and ratios
  bool complete = true;
};

[[nodiscard]] MapValues mapValues(const MapPicture& picture, MapScale scale, PixelRect area);
// Colours them as 0xFFRRGGBB, rows `stride` pixels apart.
void colourValues(const MapPicture& picture, const MapColours& colours, const MapValues& values, std::uint32_t* out,
                  std::size_t stride);

// The level a side is drawn at. The pyramid must not be empty.
[[nodiscard]] std::size_t levelFor(const TilePyramid& pyramid, MapScale scale);

}  // namespace kvatlas::views
