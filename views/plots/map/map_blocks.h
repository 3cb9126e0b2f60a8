// Coloured pieces of a map on the raster of the current zoom, kept while panning; knows no plot and no file.
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

  void setPicture(const MapPicture& picture);     // every block is made anew
  void setColours(MapColours colours);            // values stay, colours are made anew
  void setScale(MapScale scale);                  // a new zoom, a new raster
  void clear();                                   // the tiles may have changed
  void dropIncomplete(const TokenWindow& where);  // tiles arrived there

  [[nodiscard]] const MapPicture& picture() const { return m_picture; }
  [[nodiscard]] const MapColours& colours() const { return m_colours; }

  // The block that begins at world pixel (column · kSide, row · kSide).
  [[nodiscard]] const QImage& image(std::int64_t column, std::int64_t row);
  // Drops blocks far from a rectangle of world pixels.
  void keepNear(PixelRect view);
  // The values of the blocks that touch a rectangle, as far as they were drawn.
  [[nodiscard]] CodeHistogram histogram(PixelRect view) const;
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
