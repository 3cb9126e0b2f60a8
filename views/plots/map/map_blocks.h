// Cache of coloured map blocks on the raster of the current zoom, valid while panning.
#pragma once

#include <QImage>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "views/models/map/colour_limits.h"
#include "views/models/map/map_picture.h"

namespace kvatlas::views {

class MapBlocks {
 public:
  static constexpr int kSide = 256;  // world pixels

  void setPicture(const MapPicture& picture);     // rebuilds all blocks
  void setColours(MapColours colours);            // keeps values, recolours
  void setScale(MapScale scale);                  // a new zoom clears the cache
  void clear();                                   // the tiles may have changed
  void dropIncomplete(const TokenWindow& where);  // for new tiles there

  [[nodiscard]] const MapPicture& picture() const { return m_picture; }
  [[nodiscard]] const MapColours& colours() const { return m_colours; }

  // The block at world pixel (column · kSide, row · kSide).
  [[nodiscard]] const QImage& image(std::int64_t column, std::int64_t row);
  // Drops blocks far from a rectangle of world pixels.
  void keepNear(PixelRect view);
  // The values of the drawn blocks that touch a rectangle, without those of the first `skip_keys` tokens.
  [[nodiscard]] CodeHistogram histogram(PixelRect view, std::uint64_t skip_keys = 0) const;
  [[nodiscard]] std::size_t count() const { return m_blocks.size(); }

 private:
  struct Block {
    MapValues values;
    QImage image;
    bool coloured = false;
  };
  static std::int64_t key(std::int64_t column, std::int64_t row) { return row * (std::int64_t{1} << 32) + column; }

  MapPicture m_picture;
  MapColours m_colours{ColourSettings{}, Theme::Light};
  MapScale m_scale;
  std::unordered_map<std::int64_t, Block> m_blocks;
};

}  // namespace kvatlas::views
