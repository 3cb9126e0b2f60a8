#include "views/pages/decode_marks.h"

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

double DecodeMarks::largestDiameter() const {
  const QCPAxis& steps = *parentPlot()->yAxis;
  const double row = std::abs(steps.coordToPixel(1) - steps.coordToPixel(0));
  return std::clamp(1.4 * row, 8.0, 18.0);
}

// Slightly larger dots first, then the dots: they stand out from a band of their own colour however small they are, and
// none is hidden by the edge of another.
void DecodeMarks::draw(QCPPainter* painter) {
  painter->setAntialiasing(true);
  painter->setPen(Qt::NoPen);
  for (const bool chosen : {false, true}) {  // the chosen step over its neighbours
    painter->setBrush(chosen ? m_chosen_edge : m_edge);
    drawDots(*painter, chosen, 1);
    painter->setBrush(m_fill);
    drawDots(*painter, chosen, 0);
  }
}

void DecodeMarks::drawDots(QCPPainter& painter, bool chosen, double wider) const {
  constexpr double kLeast = 1.6;
  const double largest = largestDiameter();
  for (const DecodeMark& mark : m_marks) {
    if ((mark.step == m_chosen) != chosen) continue;
    const QPointF centre(parentPlot()->xAxis->coordToPixel(mark.position + 0.5),
                         parentPlot()->yAxis->coordToPixel(mark.step));
    const double radius = wider + std::max(kLeast, largest * std::sqrt(std::clamp(mark.mass, 0.0, 1.0)) / 2);
    painter.drawEllipse(centre, radius, radius);
  }
}

}  // namespace kvatlas::views
