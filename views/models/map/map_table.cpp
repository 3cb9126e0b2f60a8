#include "views/models/map/map_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "views/models/map/code_table.h"

namespace kvatlas::views {
namespace {

struct CellRange {
  std::int64_t begin = 0;
  int count = 0;
};

CellRange cellsIn(double begin, double end, std::uint64_t cell, std::size_t side) {
  const auto size = static_cast<double>(cell), last = static_cast<double>(side);
  const double first = std::clamp(std::floor(begin / size), 0.0, last);
  return {static_cast<std::int64_t>(first), static_cast<int>(std::clamp(std::ceil(end / size), first, last) - first)};
}

double probability(std::int32_t code) {
  return code < 0 ? std::nan("") : static_cast<double>(probabilityOfCode()[static_cast<std::size_t>(code)]);
}

void appendValue(std::string& text, const MapPicture& picture, const MapValues& values, std::size_t at) {
  const std::int32_t first = values.first[at];
  if (first == kMaskedPixel || first == kOutsidePixel) return;
  double value = probability(first);
  if (picture.isSigned()) {
    const double other = probability(values.second[at]);
    value = picture.mode == PictureSides::Difference ? value - other : std::log2(value / other);
  }
  fmt::format_to(std::back_inserter(text), "{:.6g}", std::isnan(value) ? std::nan("") : value);  // never "-nan"
}

std::string quantityOf(const MapPicture& picture, std::uint64_t cell) {
  std::string text = "probability";
  if (picture.isSigned()) text = picture.mode == PictureSides::Difference ? "A - B" : "log2(A / B)";
  if (cell > 1)
    text += fmt::format(", {} of {} x {} tokens", picture.a.reduction == trace::Reduction::Max ? "max" : "mean", cell,
                        cell);
  return text;
}

}  // namespace

std::string mapTable(const MapPicture& picture, const TokenWindow& window, double tokens_per_pixel) {
  const TilePyramid pyramid = picture.a.source == nullptr ? TilePyramid{} : picture.a.source->pyramid(picture.a.layer);
  if (pyramid.empty()) return {};
  const std::size_t level = pyramid.levelFor(tokens_per_pixel);
  const std::uint64_t cell = pyramid.cells[level];
  const CellRange keys = cellsIn(window.key_begin, window.key_end, cell, pyramid.side(level));
  const CellRange queries = cellsIn(window.query_begin, window.query_end, cell, pyramid.side(level));
  const double scale = 1 / static_cast<double>(cell);  // a pixel is a cell
  const MapValues values = mapValues(picture, {scale, scale}, {keys.begin, queries.begin, keys.count, queries.count});
  std::string text = fmt::format("\"{}: query \\ key\"", quantityOf(picture, cell));
  for (int i = 0; i < keys.count; ++i)
    fmt::format_to(std::back_inserter(text), ",{}", static_cast<std::uint64_t>(keys.begin + i) * cell);
  text += '\n';
  std::size_t at = 0;
  for (int row = 0; row < queries.count; ++row) {
    fmt::format_to(std::back_inserter(text), "{}", static_cast<std::uint64_t>(queries.begin + row) * cell);
    for (int i = 0; i < keys.count; ++i) {
      text += ',';
      appendValue(text, picture, values, at++);
    }
    text += '\n';
  }
  return text;
}

}  // namespace kvatlas::views
