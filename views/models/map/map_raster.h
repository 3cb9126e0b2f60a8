// Tiles reduced or repeated to pixels, with masked, missing and outside pixels told apart; arrays only, no Qt.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "views/models/map/tile.h"
#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// The raster of a zoom: pixel p of an axis covers the tokens [p/s, (p+1)/s), whatever part of it is looked at. So a
// picture moves by whole pixels and what was computed once stays valid while panning.
struct MapScale {
  double x = 1, y = 1;  // device pixels per token along keys and queries
  friend bool operator==(const MapScale&, const MapScale&) = default;
};

struct PixelRect {
  std::int64_t x = 0, y = 0;
  int width = 0, height = 0;
};

// Pixel values: a log₂ code 0 … 65535 or one of these.
enum PixelState : std::int32_t { kMaskedPixel = -1, kNotCapturedPixel = -2, kNotLoadedPixel = -3, kOutsidePixel = -4 };
inline constexpr int kPixelStates = 4;
inline constexpr std::size_t kCodes = 65536;

struct RasterRequest {
  const TilePyramid* pyramid = nullptr;
  std::size_t level = 0;
  trace::Reduction reduction = trace::Reduction::Max;
  MapScale scale;
  PixelRect area;
  std::function<TilePointer(TilePlace)> find;  // null: not here
};

struct RasterResult {
  std::vector<std::int32_t> pixels;  // [height, width]
  bool complete = true;              // every visible tile of the level was there
};

// Max: each pixel is the largest of all cells it touches, so that nothing is dropped. Mean: their mean. A tile that is
// not here is replaced by the nearest coarser one that is.
[[nodiscard]] RasterResult rasterise(const RasterRequest& request);

}  // namespace kvatlas::views
