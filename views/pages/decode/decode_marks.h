// Dots on a plot of generated tokens × positions: area by mass. Knows QCustomPlot, no trace.
#pragma once

#include <qcustomplot.h>

#include <vector>

namespace kvatlas::views {

struct DecodeMark {
  double step = 0, position = 0, mass = 0;
};

class DecodeMarks : public QCPAbstractItem {
 public:
  explicit DecodeMarks(QCustomPlot* plot);

  void setMarks(std::vector<DecodeMark> marks) { m_marks = std::move(marks); }
  [[nodiscard]] const std::vector<DecodeMark>& marks() const { return m_marks; }
  void setColours(const QColor& fill, const QColor& edge, const QColor& chosen_edge);
  void setChosenStep(double step) { m_chosen = step; }  // its dots get another edge

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

 protected:
  void draw(QCPPainter* painter) override;

 private:
  void drawDots(QCPPainter& painter, bool chosen, double wider) const;
  [[nodiscard]] double rowHeight() const;  // pixels

  std::vector<DecodeMark> m_marks;
  QColor m_fill, m_edge, m_chosen_edge;
  double m_chosen = -1;
};

}  // namespace kvatlas::views
