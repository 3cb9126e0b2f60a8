// A map of any length whose every value follows from its position: thin stripes on a faint ground. Tiles are computed
// when asked for, at once or later; knows no file.
#pragma once

#include <QTimer>
#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "kernels/log2_codec.h"
#include "views/models/map/tile_source.h"

namespace kvatlas::test {

class SyntheticTiles : public views::TileSource {
 public:
  SyntheticTiles(std::uint64_t tokens, std::vector<std::uint64_t> stripes, std::uint64_t finest_cell = 1)
      : m_stripes(std::move(stripes)) {
    m_pyramid.tokens = tokens;
    for (std::uint64_t cell = finest_cell; m_pyramid.cells.empty() || tokens / m_pyramid.cells.back() > 64; cell *= 2)
      m_pyramid.cells.push_back(cell);
    std::sort(m_stripes.begin(), m_stripes.end());
  }

  void setSlidingWindow(std::uint64_t window) { m_pyramid.sliding_window = window; }
  void setLater(bool later) { m_later = later; }                              // tiles arrive from the event loop
  void setNotCaptured(std::uint32_t tile_row) { m_not_captured = tile_row; }  // of the finest level
  double ground = 1e-4, peak = 0.5;

  [[nodiscard]] views::TilePyramid pyramid(LayerIndex) const override { return m_pyramid; }
  [[nodiscard]] views::TilePointer find(const views::TileKey& key) override {
    const auto known = m_tiles.find(key);
    if (known != m_tiles.end()) return known->second;
    return m_later ? nullptr : make(key);
  }
  void deliver(std::size_t count) {
    for (; count > 0 && !wanted.empty(); --count) {
      const views::TileKey key = wanted.front();
      wanted.erase(wanted.begin());
      make(key);
      emit arrived(key);
    }
    if (!wanted.empty()) QTimer::singleShot(0, this, [this] { deliver(1); });
  }
  [[nodiscard]] std::size_t made() const { return m_tiles.size(); }
  std::vector<views::TileKey> wanted;

 protected:
  void setWanted(std::uint64_t, std::vector<views::TileKey> keys, views::Urgency) override {
    wanted = std::move(keys);
    if (!m_later || wanted.empty()) return;
    QTimer::singleShot(0, this, [this] { deliver(1); });
  }

 private:
  views::TilePointer make(const views::TileKey& key) {
    auto tile = std::make_shared<views::Tile>();
    const std::size_t side = m_pyramid.side(key.level);
    tile->rows = static_cast<std::uint32_t>(std::min(views::kTileSide, side - key.row * views::kTileSide));
    tile->columns = static_cast<std::uint32_t>(std::min(views::kTileSide, side - key.column * views::kTileSide));
    if (m_not_captured && *m_not_captured == key.row && key.level == 0) {
      tile->state = views::Tile::State::NotCaptured;
    } else {
      std::vector<std::uint16_t> row(tile->columns);
      for (std::uint32_t column = 0; column < tile->columns; ++column)
        row[column] = code(key, key.column * views::kTileSide + column);
      for (std::uint32_t r = 0; r < tile->rows; ++r) tile->codes.insert(tile->codes.end(), row.begin(), row.end());
    }
    m_tiles[key] = tile;
    return tile;
  }

  [[nodiscard]] std::uint16_t code(const views::TileKey& key, std::uint64_t column) const {
    const std::uint64_t cell = m_pyramid.cells[key.level];
    const auto first = std::lower_bound(m_stripes.begin(), m_stripes.end(), column * cell);
    const auto last = std::lower_bound(first, m_stripes.end(), (column + 1) * cell);
    const double share = static_cast<double>(last - first) / static_cast<double>(cell);
    const double value =
        key.reduction == trace::Reduction::Max ? (first != last ? peak : ground) : share * peak + (1 - share) * ground;
    return kernels::encodeLog2(value);
  }

  views::TilePyramid m_pyramid;
  std::vector<std::uint64_t> m_stripes;
  std::optional<std::uint32_t> m_not_captured;
  bool m_later = false;
  std::unordered_map<views::TileKey, views::TilePointer, views::TileKeyHash> m_tiles;
};

}  // namespace kvatlas::test
