// An attention map as a plottable: keys to the right, queries down, tiles drawn pixel-exact at the level of detail the
// zoom asks for, coloured last. Knows tile sources, never a file.
#pragma once

#include <qcustomplot.h>

#include <QTimer>
#include <optional>
#include <vector>

#include "core/trace/records.h"
#include "views/models/map/map_picture.h"
#include "views/plots/map/map_blocks.h"

namespace kvatlas::views {

// What stands under a (query, key) pair in the picture.
struct MapReading {
  std::int32_t code = kOutsidePixel;  // a log₂ code or a PixelState
  double probability = 0;             // where code ≥ 0
  std::uint64_t cell = 0;             // tokens per cell of the tile it came from
};

// The key axis must run to the right, the query axis down (range reversed).
class MapPlottable : public QCPAbstractPlottable {
  Q_OBJECT
 public:
  MapPlottable(QCPAxis* keys, QCPAxis* queries);

  void setPicture(const MapPicture& picture);
  void setColours(const ColourSettings& settings, Theme theme, ShadeColours shades = {});
  void setSpans(std::vector<trace::Span> spans) { m_spans = std::move(spans); }
  void setBadgeShown(bool shown) { m_badge = shown; }  // its corner says layer, head and reduction
  [[nodiscard]] const MapPicture& picture() const { return m_blocks.picture(); }
  [[nodiscard]] const MapColours& colours() const { return m_blocks.colours(); }

  [[nodiscard]] TokenWindow window() const;  // what the axes show
  [[nodiscard]] std::uint64_t tokens() const;
  [[nodiscard]] double tokensPerPixel() const;  // device pixels
  [[nodiscard]] std::uint64_t cell() const;     // tokens per cell of the level that is drawn; 1 where there is none
  [[nodiscard]] MapReading read(bool second, TokenIndex query, TokenIndex key) const;
  // "1 cell = 4 tokens, max"; says when cells are larger than the finest that could be or are exact.
  [[nodiscard]] std::string table() const;  // the cells in sight as CSV
  [[nodiscard]] QString detailText() const;
  [[nodiscard]] bool settled() const;  // everything visible was drawn from its own level
  [[nodiscard]] CodeHistogram visibleValues() const;

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }
  QCPRange getKeyRange(bool& found, QCP::SignDomain) const override;
  QCPRange getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const override;

 signals:
  void drawn();  // after the picture changed: detailText(), visibleValues()

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
  void drawSpans(QCPPainter* painter) const;
  void connectSource(TileSource* source);
  void ask();
  [[nodiscard]] TileSubscription& subscriptionTo(TileSource& source);
  [[nodiscard]] std::vector<TileKey> missing(const MapSide& side) const;
  [[nodiscard]] std::vector<const MapSide*> sides() const;
  void take(const TileKey& key);

  MapBlocks m_blocks;
  Theme m_theme = Theme::Light;
  bool m_badge = true;
  ShadeColours m_shades;
  std::vector<trace::Span> m_spans;
  std::vector<TileSubscription> m_subscriptions;  // one for each source of the picture that was drawn last
  std::vector<QMetaObject::Connection> m_connections;
  QTimer m_ask, m_refresh;
};

}  // namespace kvatlas::views
