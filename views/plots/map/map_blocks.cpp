#include "views/plots/map/map_blocks.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::views {
namespace {

// Scales that differ only by rounding are the same raster.
bool same(double a, double b) {
  return std::abs(a - b) <= 1e-10 * std::max(std::abs(a), std::abs(b));
}

bool touches(const PixelRect& a, const PixelRect& b, std::int64_t margin) {
  return a.x < b.x + b.width + margin && b.x < a.x + a.width + margin && a.y < b.y + b.height + margin &&
         b.y < a.y + a.height + margin;
}

}  // namespace

void MapBlocks::setPicture(const MapPicture& picture) {
  m_picture = picture;
  m_blocks.clear();
}

void MapBlocks::setColours(MapColours colours) {
  m_colours = std::move(colours);
  for (auto& [where, block] : m_blocks) block.coloured = false;
}

void MapBlocks::setScale(MapScale scale) {
  if (same(scale.x, m_scale.x) && same(scale.y, m_scale.y)) return;
  m_scale = scale;
  m_blocks.clear();
}

void MapBlocks::clear() {
  m_blocks.clear();
}

void MapBlocks::dropIncomplete(const TokenWindow& where) {
  const bool mirrored = m_picture.mode == PictureSides::Split;
  const auto inside = [&](const PixelRect& area) {
    const double left = static_cast<double>(area.x) / m_scale.x, top = static_cast<double>(area.y) / m_scale.y;
    const double right = left + area.width / m_scale.x, bottom = top + area.height / m_scale.y;
    const bool plain =
        left <= where.key_end && right >= where.key_begin && top <= where.query_end && bottom >= where.query_begin;
    const bool turned =
        left <= where.query_end && right >= where.query_begin && top <= where.key_end && bottom >= where.key_begin;
    return plain || (mirrored && turned);
  };
  std::erase_if(m_blocks,
                [&](const auto& entry) { return !entry.second.values.complete && inside(entry.second.values.area); });
}

const QImage& MapBlocks::image(std::int64_t column, std::int64_t row) {
  const auto [entry, fresh] = m_blocks.try_emplace(key(column, row));
  Block& block = entry->second;
  if (fresh) block.values = mapValues(m_picture, m_scale, {column * kSide, row * kSide, kSide, kSide});
  if (block.coloured) return block.image;
  if (block.image.isNull()) block.image = QImage(kSide, kSide, QImage::Format_RGB32);
  colourValues(m_picture, m_colours, block.values, reinterpret_cast<std::uint32_t*>(block.image.bits()),
               static_cast<std::size_t>(block.image.bytesPerLine()) / sizeof(std::uint32_t));
  block.coloured = true;
  return block.image;
}

void MapBlocks::keepNear(PixelRect view) {
  std::erase_if(m_blocks, [&](const auto& entry) { return !touches(entry.second.values.area, view, 2L * kSide); });
}

CodeHistogram MapBlocks::histogram(PixelRect view, std::uint64_t skip_keys) const {
  CodeHistogram result;
  const auto first = static_cast<std::int64_t>(std::ceil(static_cast<double>(skip_keys) * m_scale.x));
  for (const auto& [where, block] : m_blocks) {
    const PixelRect& area = block.values.area;
    if (!touches(area, view, 0)) continue;
    const std::int64_t begin = std::clamp<std::int64_t>(first - area.x, 0, area.width);
    for (std::int64_t row = 0; row < area.height; ++row) {
      const std::int32_t* codes = block.values.first.data() + row * area.width;
      for (std::int64_t x = begin; x < area.width; ++x) {
        if (codes[x] > 0) ++result.bins[static_cast<std::size_t>(codes[x]) >> 8];
        if (codes[x] == 0) ++result.zeros;
      }
    }
  }
  return result;
}

}  // namespace kvatlas::views
