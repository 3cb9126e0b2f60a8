// An attention map as a plottable: keys to the right, queries down, tiles drawn pixel-exact at the zoom's level of
// detail, coloured last. Reads from tile sources, never from a file.
#pragma once

#include <qcustomplot.h>

#include <QTimer>
#include <optional>
#include <vector>

#include "core/trace/records.h"
#include "views/models/map/map_picture.h"
#include "views/plots/map/map_blocks.h"

namespace kvatlas::views {

// The value drawn at a (query, key) pair.
struct MapReading {
  std::int32_t code = kOutsidePixel;  // a log₂ code or a PixelState
  double probability = 0;             // if code ≥ 0
  std::uint64_t cell = 0;             // tokens per cell of its tile
};

// The key axis must point right, the query axis down (range reversed).
class MapPlottable : public QCPAbstractPlottable {
  Q_OBJECT
 public:
  MapPlottable(QCPAxis* keys, QCPAxis* queries);

  void setPicture(const MapPicture& picture);
  void setColours(const ColourSettings& settings, Theme theme, ShadeColours shades = {});
  void setSpans(std::vector<trace::Span> spans) { m_spans = std::move(spans); }
  void setBadgeShown(bool shown) { m_badge = shown; }  // layer, head and reduction in the corner
  [[nodiscard]] const MapPicture& picture() const { return m_blocks.picture(); }
  [[nodiscard]] const MapColours& colours() const { return m_blocks.colours(); }

  [[nodiscard]] TokenWindow window() const;  // what the axes show
  [[nodiscard]] std::uint64_t tokens() const;
  [[nodiscard]] double tokensPerPixel() const;  // device pixels
  [[nodiscard]] std::uint64_t cell() const;     // tokens per cell of the drawn level; 1 if there is none
  [[nodiscard]] MapReading read(bool second, TokenIndex query, TokenIndex key) const;
  [[nodiscard]] std::string table() const;  // the visible cells as CSV
  // "1 cell = 4 tokens, max"; notes exact cells and cells at the maximum recorded resolution.
  [[nodiscard]] QString detailText() const;
  [[nodiscard]] bool settled() const;  // all visible tiles of the level are loaded
  [[nodiscard]] CodeHistogram visibleValues() const;

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }
  QCPRange getKeyRange(bool& found, QCP::SignDomain) const override;
  QCPRange getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const override;

 signals:
  void drawn();  // detailText() and visibleValues() may have changed

 protected:
  void draw(QCPPainter* painter) override;
  void drawLegendIcon(QCPPainter*, const QRectF&) const override {}

 private:
  struct Raster {
    MapScale scale;
    PixelRect view;  // world pixels inside the axis rect
    QPoint corner;   // device pixel of view's top left corner
  };
  [[nodiscard]] Raster raster(double device_ratio) const;
  void drawBlocks(QCPPainter* painter, const Raster& raster, double device_ratio);
  void drawWhole(QCPPainter* painter, const Raster& raster);
  void drawEvictionEdge(QCPPainter* painter) const;
  void drawSpans(QCPPainter* painter) const;
  void connectSource(TileSource* source);
  void requestTiles();
  [[nodiscard]] TileSubscription& subscriptionTo(TileSource& source);
  [[nodiscard]] std::vector<TileKey> missing(const MapSide& side) const;
  [[nodiscard]] std::vector<const MapSide*> sides() const;
  void tileArrived(const TileKey& key);

  MapBlocks m_blocks;
  Theme m_theme = Theme::Light;
  bool m_badge = true;
  ShadeColours m_shades;
  std::uint64_t m_skip_keys = 0;
  std::vector<trace::Span> m_spans;
  std::vector<TileSubscription> m_subscriptions;  // one per source of the last drawn picture
  std::vector<QMetaObject::Connection> m_connections;
  QTimer m_request_timer, m_refresh;
};

}  // namespace kvatlas::views
