// Resamples tiles to pixels; distinguishes masked, missing and outside pixels; no Qt.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "views/models/map/tile.h"
#include "views/models/map/tile_pyramid.h"

namespace kvatlas::views {

// The pixel raster of a zoom level: pixel p of an axis covers tokens [p/s, (p+1)/s), independent of the viewport.
// Panning moves by whole pixels, so computed pixels stay valid.
struct MapScale {
  double x = 1, y = 1;  // device pixels per token along keys and queries
  friend bool operator==(const MapScale&, const MapScale&) = default;
};

struct PixelRect {
  std::int64_t x = 0, y = 0;
  int width = 0, height = 0;
};

// A pixel value is a log₂ code 0 … 65535 or one of these.
enum PixelState : std::int32_t { kMaskedPixel = -1, kNotCapturedPixel = -2, kNotLoadedPixel = -3, kOutsidePixel = -4 };
inline constexpr int kPixelStates = 4;
inline constexpr std::size_t kCodes = 65536;

struct RasterRequest {
  const TilePyramid* pyramid = nullptr;
  std::size_t level = 0;
  trace::Reduction reduction = trace::Reduction::Max;
  MapScale scale;
  PixelRect area;
  std::function<TilePointer(TilePlace)> find;  // null: not loaded
};

struct RasterResult {
  std::vector<std::int32_t> pixels;  // [height, width]
  bool complete = true;              // every visible tile of the level was loaded
};

// Max: each pixel is the maximum of all cells it touches, so that no cell is lost. Mean: their mean. The nearest
// coarser tile replaces a tile that is not loaded.
[[nodiscard]] RasterResult rasterise(const RasterRequest& request);

}  // namespace kvatlas::views
