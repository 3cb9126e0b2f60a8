// Tracks along the axes of a map: a signal as bars, what a run keeps as a strip, spans as brackets. All use the pixel
// raster of the map.
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

// The plottable's key axis is the token axis, horizontal or vertical; the value axis is unused.
class Track : public QCPAbstractPlottable {
  Q_OBJECT
 public:
  Track(QCPAxis* tokens, QCPAxis* other);
  void setTheme(Theme theme) { m_theme = theme; }
  void setTokens(std::uint64_t tokens) { m_tokens = tokens; }
  // Tokens per cell of the map: a pixel of the track covers the same tokens as a pixel of the map.
  void setCell(std::uint64_t cell) { m_cell = cell; }
  void setTitle(const QString& title) { m_title = title; }  // left of the track; above a vertical track
  [[nodiscard]] QString title() const { return m_title; }
  [[nodiscard]] int titleWidth() const;  // pixels

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }
  QCPRange getKeyRange(bool& found, QCP::SignDomain) const override;
  QCPRange getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const override;

 protected:
  QRect clipRect() const override;  // includes the title's margin
  void drawTitle(QCPPainter* painter) const;
  // Labels the values at the nearest and farthest edge: beside the track, or below a vertical track.
  void drawEnds(QCPPainter* painter, const QString& near, const QString& far) const;
  // The tokens of each device pixel along the track.
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

// Bars of the maximum under each pixel, on a fixed scale.
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

// Shows even one kept token among hundreds under a pixel. Darker: sinks; paler: the window.
class KeptTrack : public Track {
  Q_OBJECT
 public:
  using Track::Track;
  void setStrip(StripPointer strip);
  [[nodiscard]] QColor colourOf(std::uint64_t begin, std::uint64_t end) const;  // invalid: none kept

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
