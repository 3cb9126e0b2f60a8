// The levels of detail of a causal map, and which tiles have visible pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvatlas::views {

// The viewport: token ranges [begin, end); the ends may be fractional.
struct TokenWindow {
  double key_begin = 0, key_end = 0, query_begin = 0, query_end = 0;
  [[nodiscard]] double keys() const { return key_end - key_begin; }
  [[nodiscard]] double queries() const { return query_end - query_begin; }
  friend bool operator==(const TokenWindow&, const TokenWindow&) = default;
};

// Level 0 is the finest. The first `exact_levels` are not stored: they are recomputed from queries and keys.
struct TilePyramid {
  std::uint64_t tokens = 0, sliding_window = 0;  // sliding_window 0: none
  std::vector<std::uint64_t> cells;              // tokens per cell, ascending, each a multiple of the previous one
  std::size_t exact_levels = 0;

  [[nodiscard]] bool empty() const { return cells.empty() || tokens == 0; }
  [[nodiscard]] std::size_t side(std::size_t level) const;   // cells per side
  [[nodiscard]] std::size_t tiles(std::size_t level) const;  // tiles per side
  // The coarsest level with cells no larger than `tokens_per_pixel`. If that takes more than 4 cells per pixel, or no
  // level is fine enough, a level with larger cells.
  [[nodiscard]] std::size_t levelFor(double tokens_per_pixel) const;
  // Whether a rectangle of tokens [begin, end) contains a visible (unmasked) pair.
  [[nodiscard]] bool visible(std::uint64_t query_begin, std::uint64_t query_end, std::uint64_t key_begin,
                             std::uint64_t key_end) const;
  [[nodiscard]] bool tileVisible(std::size_t level, std::size_t row, std::size_t column) const;
  friend bool operator==(const TilePyramid&, const TilePyramid&) = default;
};

struct TilePlace {
  std::uint32_t level = 0, row = 0, column = 0;
  friend constexpr bool operator==(TilePlace, TilePlace) = default;
};

// Tiles of a level with visible pairs in the window, nearest to its centre first.
[[nodiscard]] std::vector<TilePlace> tilesIn(const TilePyramid& pyramid, std::size_t level, const TokenWindow& window);

}  // namespace kvatlas::views
