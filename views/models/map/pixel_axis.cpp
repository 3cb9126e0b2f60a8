#include "views/models/map/pixel_axis.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::views {
namespace {

// The slack absorbs rounding errors of products near integers.
constexpr double kSlack = 1e-7;

// Items of width `step`⁻¹ pixels that pixel p covers, within [0, count).
PixelAxis::Range itemsOf(std::int64_t pixel, double step, std::uint64_t count) {
  const auto edge = [&](std::int64_t p) {
    const double at = std::floor(static_cast<double>(p) * step + kSlack);
    return static_cast<std::uint64_t>(std::clamp(at, 0.0, static_cast<double>(count)));
  };
  if (step > 1) return {edge(pixel), edge(pixel + 1)};
  const double centre = std::floor((static_cast<double>(pixel) + 0.5) * step);
  if (centre < 0 || centre >= static_cast<double>(count)) return {count, count};
  const auto item = static_cast<std::uint64_t>(centre);
  return {item, item + 1};
}

}  // namespace

PixelAxis::PixelAxis(std::int64_t begin, std::size_t count, double scale, std::uint64_t all_tokens, std::uint64_t cell)
    : cells(count), tokens(count) {
  const double tokens_per_pixel = 1 / scale, cells_per_pixel = tokens_per_pixel / static_cast<double>(cell);
  const std::uint64_t all_cells = (all_tokens + cell - 1) / cell;
  pools = cells_per_pixel > 1;
  first = count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t pixel = begin + static_cast<std::int64_t>(i);
    if (pools) {
      cells[i] = itemsOf(pixel, cells_per_pixel, all_cells);
      tokens[i] = {cells[i].begin * cell, std::min(cells[i].end * cell, all_tokens)};
    } else {
      tokens[i] = itemsOf(pixel, tokens_per_pixel, all_tokens);
      if (tokens[i].begin < tokens[i].end) cells[i] = {tokens[i].begin / cell, tokens[i].begin / cell + 1};
    }
    if (tokens[i].begin >= tokens[i].end) continue;
    first = std::min(first, i);
    last = i + 1;
  }
  first = std::min(first, last);
}

}  // namespace kvatlas::views
