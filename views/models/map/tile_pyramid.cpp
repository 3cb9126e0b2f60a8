#include "views/models/map/tile_pyramid.h"

#include <algorithm>
#include <cmath>

#include "views/models/map/tile.h"

namespace kvatlas::views {
namespace {

constexpr double kMostCellsPerPixel = 4;

// Tiles [first, last] of a level that a token range touches; first > last if none.
struct TileRange {
  std::int64_t first = 0, last = -1;
};

TileRange touched(double begin, double end, std::uint64_t cell, std::size_t tiles) {
  const double step = static_cast<double>(cell) * static_cast<double>(kTileSide);
  const auto first = static_cast<std::int64_t>(std::floor(begin / step));
  const auto last = static_cast<std::int64_t>(std::ceil(end / step)) - 1;
  return {std::max<std::int64_t>(first, 0), std::min<std::int64_t>(last, static_cast<std::int64_t>(tiles) - 1)};
}

}  // namespace

std::size_t TilePyramid::side(std::size_t level) const {
  return static_cast<std::size_t>((tokens + cells[level] - 1) / cells[level]);
}

std::size_t TilePyramid::tiles(std::size_t level) const {
  return (side(level) + kTileSide - 1) / kTileSide;
}

std::size_t TilePyramid::levelFor(double tokens_per_pixel) const {
  std::size_t level = 0;
  while (level + 1 < cells.size() && static_cast<double>(cells[level + 1]) <= tokens_per_pixel) ++level;
  const bool too_fine = tokens_per_pixel / static_cast<double>(cells[level]) > kMostCellsPerPixel;
  return too_fine && level + 1 < cells.size() ? level + 1 : level;
}

bool TilePyramid::visible(std::uint64_t query_begin, std::uint64_t query_end, std::uint64_t key_begin,
                          std::uint64_t key_end) const {
  query_end = std::min(query_end, tokens);
  key_end = std::min(key_end, tokens);
  if (query_begin >= query_end || key_begin >= key_end || key_begin > query_end - 1) return false;
  // The smallest query-key distance is from the first query to the last key.
  return sliding_window == 0 || query_begin < key_end || query_begin - (key_end - 1) < sliding_window;
}

bool TilePyramid::tileVisible(std::size_t level, std::size_t row, std::size_t column) const {
  const std::uint64_t step = cells[level] * kTileSide;
  return visible(row * step, (row + 1) * step, column * step, (column + 1) * step);
}

std::vector<TilePlace> tilesIn(const TilePyramid& pyramid, std::size_t level, const TokenWindow& window) {
  const std::uint64_t cell = pyramid.cells[level];
  const TileRange rows = touched(window.query_begin, window.query_end, cell, pyramid.tiles(level));
  const TileRange columns = touched(window.key_begin, window.key_end, cell, pyramid.tiles(level));
  std::vector<TilePlace> places;
  for (std::int64_t row = rows.first; row <= rows.last; ++row)
    for (std::int64_t column = columns.first; column <= columns.last; ++column)
      if (pyramid.tileVisible(level, static_cast<std::size_t>(row), static_cast<std::size_t>(column)))
        places.push_back(
            {static_cast<std::uint32_t>(level), static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column)});
  const auto middle = [](const TileRange& range) { return static_cast<double>(range.first + range.last) / 2; };
  const auto distance = [row = middle(rows), column = middle(columns)](const TilePlace& place) {
    return std::hypot(place.row - row, place.column - column);
  };
  std::stable_sort(places.begin(), places.end(),
                   [&](const TilePlace& a, const TilePlace& b) { return distance(a) < distance(b); });
  return places;
}

}  // namespace kvatlas::views
