#include "views/pages/decode/decode_marks.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::views {

DecodeMarks::DecodeMarks(QCustomPlot* plot) : QCPAbstractItem(plot) {
  setClipAxisRect(plot->axisRect());
  setLayer(QStringLiteral("overlay"));
}

void DecodeMarks::setColours(const QColor& fill, const QColor& edge, const QColor& chosen_edge) {
  m_fill = fill;
  m_edge = edge;
  m_chosen_edge = chosen_edge;
}

double DecodeMarks::rowHeight() const {
  const QCPAxis& steps = *parentPlot()->yAxis;
  return std::abs(steps.coordToPixel(1) - steps.coordToPixel(0));
}

// Slightly larger dots first, then the dots: they stand out from a band of their own colour however small they are, and
// none is hidden by the edge of another.
void DecodeMarks::draw(QCPPainter* painter) {
  painter->setAntialiasing(true);
  painter->setPen(Qt::NoPen);
  const double edge = std::clamp(rowHeight() / 6, 0.4, 1.0);
  for (const bool chosen : {false, true}) {  // the chosen step over its neighbours
    painter->setBrush(chosen ? m_chosen_edge : m_edge);
    drawDots(*painter, chosen, chosen ? 1 : edge);
    painter->setBrush(m_fill);
    drawDots(*painter, chosen, 0);
  }
}

void DecodeMarks::drawDots(QCPPainter& painter, bool chosen, double wider) const {
  const double row = rowHeight(), largest = std::clamp(1.4 * row, 7.0, 18.0), least = std::clamp(row / 5, 0.7, 1.6);
  for (const DecodeMark& mark : m_marks) {
    if ((mark.step == m_chosen) != chosen) continue;
    const QPointF centre(parentPlot()->xAxis->coordToPixel(mark.position + 0.5),
                         parentPlot()->yAxis->coordToPixel(mark.step));
    const double radius = wider + std::max(least, largest * std::sqrt(std::clamp(mark.mass, 0.0, 1.0)) / 2);
    painter.drawEllipse(centre, radius, radius);
  }
}

}  // namespace kvatlas::views
