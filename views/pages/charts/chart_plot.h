// Line plot over layers, steps or ranks in the Explorer's theme: ticks, legend, marker, the point under the pointer or
// at the keyboard. The charts give the points their meaning.
#pragma once

#include <vector>

#include "views/models/palette.h"
#include "views/pages/charts/key_plot.h"

namespace kvatlas::views {

struct ChartLine {
  int id = 0;     // ChartPoint::line of its points
  QString title;  // empty: not in the legend
  QColor colour;
  Qt::PenStyle style = Qt::SolidLine;
  Mark mark = Mark::None;
  bool strong = false;       // the focused run
  std::vector<double> x, y;  // NaN: a gap
};

// How many non-strong lines coincide exactly with this one (itself included), and its rank among them.
struct Coincidence {
  std::size_t rank = 0, count = 1;
};
[[nodiscard]] std::vector<Coincidence> coincidences(const std::vector<ChartLine>& lines);

struct ChartPoint {
  int line = 0;  // id
  std::size_t index = 0;
  double x = 0, y = 0;
};

class ChartPlot : public KeyPlot {
  Q_OBJECT

 public:
  explicit ChartPlot(QWidget* parent = nullptr);

  // A chart too low for `y` shows `short_y`.
  void setTitles(const QString& x, const QString& y, const QString& short_y = {});
  [[nodiscard]] const QString& yTitle() const { return m_y_title; }  // whole
  void setLogarithmic(bool x, bool y);
  // Ranges follow the lines unless set here. On a linear axis the y range always includes 0.
  void setYRange(std::optional<QCPRange> range) { m_y_range = range; }
  void setLines(std::vector<ChartLine> lines);
  void setMarker(std::optional<double> x);  // the selected x; empty: no marker
  void setMessage(const QString& text);     // shown instead of lines; empty: none
  [[nodiscard]] const std::vector<ChartLine>& lines() const { return m_lines; }
  [[nodiscard]] std::optional<ChartPoint> nearest(const QPointF& pixel) const;  // within kReach pixels

 signals:
  void picked(kvatlas::views::ChartPoint point);
  void hovered(std::optional<kvatlas::views::ChartPoint> point, QPoint global);  // or at the keyboard

 protected:
  void step(const Step& step) override;
  void stepToEnd(bool last) override;
  void pick() override;
  [[nodiscard]] std::optional<QPointF> keyPoint() const override;
  void changeEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  [[nodiscard]] QSize sizeHint() const override { return {420, 200}; }
  [[nodiscard]] QSize minimumSizeHint() const override { return {200, 110}; }

 private:
  void applyTheme();
  void fitTitle();
  void drawLines();
  void addMarks(const ChartLine& line, const Coincidence& shared);
  void addToLegend(const ChartLine& line);
  [[nodiscard]] QCPScatterStyle marksOf(const ChartLine& line) const;
  void fitRanges();
  void placeMarker();
  // The point of a line nearest to an x; its index, or that of the line, as `lines()` counts.
  struct Place {
    std::size_t line = 0, index = 0;
  };
  [[nodiscard]] std::optional<Place> keyPlace() const;
  [[nodiscard]] std::optional<std::size_t> nearestIndex(std::size_t line, double x) const;
  [[nodiscard]] Place steppedAlong(Place from, int by) const;
  [[nodiscard]] Place steppedAcross(Place from, int by) const;
  [[nodiscard]] QPointF pixelOf(const Place& place) const;
  void moveTo(const Place& place);

  bool m_narrow = false;
  QString m_y_title, m_short_y_title;
  std::vector<ChartLine> m_lines;
  std::vector<Coincidence> m_shared;  // of m_lines
  std::optional<QCPRange> m_y_range;
  std::optional<double> m_marker_x;
  std::optional<ChartPoint> m_at;  // of the keyboard
  QCPItemStraightLine* m_marker;
  QCPItemText* m_text;
};

}  // namespace kvatlas::views
