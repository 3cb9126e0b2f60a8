// Which cells and tokens each pixel of one axis covers; no Qt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvatlas::views {

// If a pixel covers several cells, each cell belongs to exactly one pixel; if a cell covers several pixels, a pixel
// shows the cell under its centre. Tokens follow the same rule, so that masks stay exact for large cells.
struct PixelAxis {
  struct Range {
    std::uint64_t begin = 0, end = 0;
  };
  std::vector<Range> cells, tokens;  // per pixel; empty ranges outside the map
  std::size_t first = 0, last = 0;   // pixels [first, last) are on the map
  bool pools = false;                // a pixel covers more than one cell

  // Pixels [begin, begin + count) at `scale` pixels per token.
  PixelAxis(std::int64_t begin, std::size_t count, double scale, std::uint64_t all_tokens, std::uint64_t cell);
};

}  // namespace kvatlas::views
