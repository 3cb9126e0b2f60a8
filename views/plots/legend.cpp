#include "views/plots/legend.h"

#include "core/base/error.h"

namespace kvatlas::views {
namespace {

constexpr double kSamplePoints = 16, kGapPoints = 4, kBetweenPoints = 10, kLeadingPoints = 1.5;

// One scatter mark at an absolute place.
class MarkItem : public QCPAbstractItem {
 public:
  MarkItem(QCustomPlot* plot, const QPointF& at, const QCPScatterStyle& style)
      : QCPAbstractItem(plot), m_at(at), m_style(style) {
    setClipToAxisRect(false);
    setLayer(QStringLiteral("overlay"));
  }
  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

 protected:
  void draw(QCPPainter* painter) override {
    m_style.applyTo(painter, m_style.pen());
    m_style.drawShape(painter, m_at);
  }

 private:
  QPointF m_at;
  QCPScatterStyle m_style;
};

struct Place {
  int x = 0, row = 0;
};

int entryWidth(const LegendEntry& entry) {
  return static_cast<int>(points(kSamplePoints + kGapPoints)) + Canvas::textWidth(entry.text, kTickPoints);
}

std::vector<Place> flow(const std::vector<LegendEntry>& entries, int width) {
  std::vector<Place> places;
  Place at;
  for (const LegendEntry& entry : entries) {
    if (at.x > 0 && at.x + entryWidth(entry) > width) at = {0, at.row + 1};
    places.push_back(at);
    at.x += entryWidth(entry) + static_cast<int>(points(kBetweenPoints));
  }
  return places;
}

int rowHeight() {
  return Canvas::textHeight(kTickPoints) + static_cast<int>(points(kLeadingPoints));
}

}  // namespace

int legendHeight(const std::vector<LegendEntry>& entries, int width) {
  return entries.empty() ? 0 : (flow(entries, width).back().row + 1) * rowHeight();
}

void drawLegend(Canvas& canvas, const std::vector<LegendEntry>& entries, const QPoint& top_left, int width) {
  const std::vector<Place> places = flow(entries, width);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const QPointF start(top_left.x() + places[i].x, top_left.y() + (places[i].row + 0.5) * rowHeight());
    const QPointF end = start + QPointF(points(kSamplePoints), 0);
    canvas.addLine(start, end, entries[i].line);
    if (!entries[i].mark.isNone()) new MarkItem(&canvas.plot(), (start + end) / 2, entries[i].mark);
    canvas.addText(end + QPointF(points(kGapPoints), 0), entries[i].text,
                   {kTickPoints, Qt::AlignLeft | Qt::AlignVCenter}, canvas.colours().ink);
  }
}

QCPScatterStyle scatterOf(Mark mark, const QColor& colour, const QColor& paper) {
  const QPen pen(colour, points(0.9));
  const auto size = points(4.2);
  switch (mark) {
    case Mark::None:
      return {};
    case Mark::Circle:
      return {QCPScatterStyle::ssCircle, pen, paper, size};
    case Mark::Square:
      return {QCPScatterStyle::ssSquare, pen, paper, size * 0.9};
    case Mark::Triangle:
      return {QCPScatterStyle::ssTriangle, pen, paper, size * 1.15};
    case Mark::TriangleDown:
      return {QCPScatterStyle::ssTriangleInverted, pen, paper, size * 1.15};
    case Mark::Diamond:
      return {QCPScatterStyle::ssDiamond, pen, paper, size * 1.2};
    case Mark::Cross:
      return {QCPScatterStyle::ssCross, pen, Qt::NoBrush, size};
    case Mark::Plus:
      return {QCPScatterStyle::ssPlus, pen, Qt::NoBrush, size * 1.1};
    case Mark::Star:
      return {QCPScatterStyle::ssStar, pen, Qt::NoBrush, size * 1.1};
  }
  fail("mark {} is unknown", static_cast<int>(mark));
}

}  // namespace kvatlas::views
