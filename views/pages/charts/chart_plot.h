// Line plot over layers, steps or ranks in the Explorer's theme: ticks, legend, marker, nearest point under the
// pointer. The charts give the points their meaning.
#pragma once

#include <qcustomplot.h>

#include <optional>
#include <vector>

#include "views/models/palette.h"

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

class ChartPlot : public QCustomPlot {
  Q_OBJECT

 public:
  explicit ChartPlot(QWidget* parent = nullptr);

  void setTitles(const QString& x, const QString& y);
  [[nodiscard]] const QString& yTitle() const { return m_y_title; }  // whole: a low chart elides it
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
  void hovered(std::optional<kvatlas::views::ChartPoint> point, QPoint global);

 protected:
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

  bool m_narrow = false;
  QString m_y_title;
  std::vector<ChartLine> m_lines;
  std::vector<Coincidence> m_shared;  // of m_lines
  std::optional<QCPRange> m_y_range;
  std::optional<double> m_marker_x;
  QCPItemStraightLine* m_marker;
  QCPItemText* m_text;
};

}  // namespace kvatlas::views
