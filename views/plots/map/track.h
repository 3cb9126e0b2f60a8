// What runs beside a map along one of its axes: a signal as bars, what a run keeps as a strip, spans as brackets. All
// on the pixel raster of the map. Knows arrays, no trace file.
#pragma once

#include <qcustomplot.h>

#include <string>
#include <vector>

#include "core/trace/records.h"
#include "views/models/map/pixel_axis.h"
#include "views/models/map/pooled_series.h"
#include "views/models/palette.h"
#include "views/models/value_scale.h"
#include "views/plots/map/strip_counts.h"

namespace kvatlas::views {

// The token axis is the key axis of the plottable, horizontal or vertical; the other one is not used.
class Track : public QCPAbstractPlottable {
  Q_OBJECT
 public:
  Track(QCPAxis* tokens, QCPAxis* other);
  void setTheme(Theme theme) { m_theme = theme; }
  void setTokens(std::uint64_t tokens) { m_tokens = tokens; }
  // Tokens per cell of the map beside it: a pixel of the track stands for the same tokens as a pixel of the map.
  void setCell(std::uint64_t cell) { m_cell = cell; }
  void setTitle(const QString& title) { m_title = title; }  // before the track; above it where it is vertical
  [[nodiscard]] QString title() const { return m_title; }
  [[nodiscard]] int titleWidth() const;  // pixels

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }
  QCPRange getKeyRange(bool& found, QCP::SignDomain) const override;
  QCPRange getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const override;

 protected:
  QRect clipRect() const override;  // the title's margin belongs to the track
  void drawTitle(QCPPainter* painter) const;
  // What the nearest and the farthest edge of the track stand for: beside it, or below it where it is vertical.
  void drawEnds(QCPPainter* painter, const QString& near, const QString& far) const;
  // Which tokens each device pixel along the track stands for.
  struct Raster {
    PixelAxis axis;
    double pixel;  // logical size of a device pixel
    double start;  // logical position of the first one
    QRectF area;   // logical
    bool vertical;
    // A bar `from` … `to` of the track's thickness (0: at the map) over pixels [first, last).
    [[nodiscard]] QRectF bar(std::size_t first, std::size_t last, double from, double to) const;
  };
  [[nodiscard]] Raster raster() const;
  [[nodiscard]] const ThemeColours& colours() const { return themeColours(m_theme); }
  [[nodiscard]] Theme theme() const { return m_theme; }
  [[nodiscard]] std::uint64_t tokens() const { return m_tokens; }
  void drawLegendIcon(QCPPainter*, const QRectF&) const override {}

 private:
  Theme m_theme = Theme::Light;
  std::uint64_t m_tokens = 0, m_cell = 1;
  QString m_title;
};

// The largest value under each pixel as a bar, on a fixed scale.
class SeriesTrack : public Track {
  Q_OBJECT
 public:
  using Track::Track;
  void setSeries(PooledSeries series, const ValueScale& scale);

 protected:
  void draw(QCPPainter* painter) override;

 private:
  PooledSeries m_series;
  ValueScale m_scale;
};

// Never invisible: one kept token among hundreds under a pixel still shows. Darker: sinks; paler: the window.
class KeptTrack : public Track {
  Q_OBJECT
 public:
  using Track::Track;
  void setStrip(StripPointer strip);
  [[nodiscard]] QColor colourOf(std::uint64_t begin, std::uint64_t end) const;  // invalid: nothing is kept

 protected:
  void draw(QCPPainter* painter) override;

 private:
  StripPointer m_strip;
};

class SpanTrack : public Track {
  Q_OBJECT
 public:
  using Track::Track;
  void setSpans(std::vector<trace::Span> spans) { m_spans = std::move(spans); }

 protected:
  void draw(QCPPainter* painter) override;

 private:
  std::vector<trace::Span> m_spans;
};

}  // namespace kvatlas::views
