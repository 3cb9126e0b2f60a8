#include "views/models/map/map_picture.h"

#include <algorithm>

#include "views/models/map/pixel_axis.h"

namespace kvatlas::views {
namespace {

RasterResult rasteriseSide(const MapSide& side, MapScale scale, PixelRect area) {
  const std::size_t pixels = static_cast<std::size_t>(area.width) * static_cast<std::size_t>(area.height);
  if (side.source == nullptr) return {std::vector<std::int32_t>(pixels, kOutsidePixel), true};
  const TilePyramid pyramid = side.source->pyramid(side.layer);
  if (pyramid.tokens == 0) return {std::vector<std::int32_t>(pixels, kOutsidePixel), true};
  if (pyramid.empty()) return {std::vector<std::int32_t>(pixels, kNotCapturedPixel), true};
  return rasterise({.pyramid = &pyramid,
                    .level = levelFor(pyramid, scale),
                    .reduction = side.reduction,
                    .scale = scale,
                    .area = area,
                    .find = [&side](TilePlace place) { return side.source->find(side.key(place)); }});
}

struct Axes {
  PixelAxis x, y;
};

Axes axesOf(const MapSide& side, MapScale scale, PixelRect area) {
  const TilePyramid pyramid = side.source == nullptr ? TilePyramid{} : side.source->pyramid(side.layer);
  const std::uint64_t cell = pyramid.cells.empty() ? 1 : pyramid.cells[levelFor(pyramid, scale)];
  return {PixelAxis(area.x, static_cast<std::size_t>(area.width), scale.x, pyramid.tokens, cell),
          PixelAxis(area.y, static_cast<std::size_t>(area.height), scale.y, pyramid.tokens, cell)};
}

// The first pixel of a row whose keys all come after its queries.
std::size_t diagonalEnd(const PixelAxis& x, PixelAxis::Range queries) {
  if (queries.begin >= queries.end) return x.last;
  std::size_t i = x.first;
  while (i < x.last && x.tokens[i].begin < queries.end) ++i;
  return i;
}

// Puts the transposed map of `side` above the diagonal.
void mirrorInto(MapValues& values, const MapSide& first, const MapSide& side) {
  const PixelRect area = values.area, turned{area.y, area.x, area.height, area.width};
  const RasterResult mirrored = rasteriseSide(side, {values.scale.y, values.scale.x}, turned);
  const Axes axes = axesOf(first, values.scale, area);
  const auto width = static_cast<std::size_t>(area.width), height = static_cast<std::size_t>(area.height);
  for (std::size_t row = axes.y.first; row < axes.y.last; ++row)
    for (std::size_t i = diagonalEnd(axes.x, axes.y.tokens[row]); i < axes.x.last; ++i)
      values.first[row * width + i] = mirrored.pixels[i * height + row];
  values.complete = values.complete && mirrored.complete;
}

Shade shadeOf(const MapSide& side, PixelAxis::Range tokens) {
  return !side.kept || side.kept->count(tokens.begin, tokens.end) > 0 ? Shade::Plain : Shade::Evicted;
}

Shade comparedShade(const MapSide& a, const MapSide& b, PixelAxis::Range tokens) {
  const bool in_a = shadeOf(a, tokens) == Shade::Plain, in_b = shadeOf(b, tokens) == Shade::Plain;
  if (in_a != in_b) return in_a ? Shade::OnlyA : Shade::OnlyB;
  return in_a ? Shade::Plain : Shade::Evicted;
}

std::vector<Shade> columnShades(const MapPicture& picture, const PixelAxis& x) {
  std::vector<Shade> shades(x.tokens.size(), Shade::Plain);
  const bool both = picture.isSigned() || (picture.comparesRuns() && picture.mode >= PictureSides::Difference);
  if (picture.isSigned()) return shades;
  for (std::size_t i = x.first; i < x.last; ++i)
    shades[i] = both ? comparedShade(picture.a, *picture.b, x.tokens[i])
                     : shadeOf(picture.mode == PictureSides::OnlyB && picture.b ? *picture.b : picture.a, x.tokens[i]);
  return shades;
}

}  // namespace

bool MapPicture::isSigned() const {
  return b && !comparesRuns() && (mode == PictureSides::Difference || mode == PictureSides::Ratio);
}

bool MapPicture::shows(bool second) const {
  if (!b) return !second;
  if (comparesRuns()) return !second;
  if (mode == PictureSides::OnlyA || mode == PictureSides::OnlyB) return second == (mode == PictureSides::OnlyB);
  return true;
}

std::size_t levelFor(const TilePyramid& pyramid, MapScale scale) {
  const double less = std::min(1 / scale.x, 1 / scale.y), more = std::max(1 / scale.x, 1 / scale.y);
  return pyramid.levelFor(std::max(less, more / 4));  // stretched pictures do not pool without end
}

MapValues mapValues(const MapPicture& picture, MapScale scale, PixelRect area) {
  MapValues values{area, scale, {}, {}, true};
  const bool second_alone = picture.mode == PictureSides::OnlyB && picture.b;
  RasterResult first = rasteriseSide(second_alone ? *picture.b : picture.a, scale, area);
  values.first = std::move(first.pixels);
  values.complete = first.complete;
  if (picture.isSigned()) {
    RasterResult second = rasteriseSide(*picture.b, scale, area);
    values.second = std::move(second.pixels);
    values.complete = values.complete && second.complete;
  } else if (picture.mode == PictureSides::Split && picture.b) {
    mirrorInto(values, picture.a, *picture.b);
  }
  return values;
}

void colourValues(const MapPicture& picture, const MapColours& colours, const MapValues& values, std::uint32_t* out,
                  std::size_t stride) {
  const auto width = static_cast<std::size_t>(values.area.width), height = static_cast<std::size_t>(values.area.height);
  const Axes axes = axesOf(picture.a, values.scale, values.area);
  const std::vector<Shade> columns = columnShades(picture, axes.x);
  const bool split = picture.mode == PictureSides::Split && picture.b;
  std::vector<Shade> shades = columns;
  for (std::size_t row = 0; row < height; ++row) {
    if (split) {
      shades = columns;
      const std::size_t from = diagonalEnd(axes.x, axes.y.tokens[row]);
      const PixelAxis::Range keys = axes.y.tokens[row];  // mirrored: its keys run down
      std::fill(shades.begin() + static_cast<std::ptrdiff_t>(std::min(from, width)), shades.end(),
                keys.begin < keys.end ? shadeOf(*picture.b, keys) : Shade::Plain);
    }
    const MapColours::Row target{values.area.x, values.area.y + static_cast<std::int64_t>(row), width, shades.data(),
                                 out + row * stride};
    const std::int32_t* first = values.first.data() + row * width;
    if (!picture.isSigned())
      colours.values(first, target);
    else if (picture.mode == PictureSides::Difference)
      colours.difference(first, values.second.data() + row * width, target);
    else
      colours.ratio(first, values.second.data() + row * width, target);
  }
}

}  // namespace kvatlas::views
