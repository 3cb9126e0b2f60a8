#include "views/plots/line_chart.h"

#include <algorithm>

#include "views/plots/chrome.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/line_series.h"
#include "views/plots/offscreen.h"

namespace kvatlas::views {
namespace {

constexpr double kAxisSpace = 5.5;  // points between tick labels and the next element

struct Layout {
  PanelGrid grid;
  Chrome chrome;
  int legend_top = 0, landmark_space = 0, height = 0;
};

std::size_t columnsOf(const LineChart& chart, const FigureSpec& spec) {
  const std::size_t count = chart.panels.size();
  if (spec.columns > 0) return std::min(spec.columns, count);
  if (chart.y_title.empty() || spec.width_inches <= 4.5) return 1;
  return std::min<std::size_t>(count, count == 4 ? 2 : 3);
}

int widestNumber(const LineChart& chart) {
  int widest = 0;
  for (const LinePanel& panel : chart.panels) widest = std::max(widest, Canvas::widestTick(panel.y_ticks));
  return widest;
}

Layout planLayout(const LineChart& chart, const FigureSpec& spec) {
  Layout layout;
  PanelGrid& grid = layout.grid;
  const int width = inches(spec.width_inches), numbers = widestNumber(chart);
  grid.count = chart.panels.size();
  grid.columns = columnsOf(chart, spec);
  layout.chrome = planChrome(spec.title, chart.notes, width);
  const int columns = static_cast<int>(grid.columns);
  const bool titled =
      std::any_of(chart.panels.begin(), chart.panels.end(), [](const LinePanel& p) { return !p.title.empty(); });
  const int title = titled ? Canvas::textHeight(kLabelPoints) : 0;
  grid.left = kOuterMargin + Canvas::textHeight(kLabelPoints) + static_cast<int>(points(kAxisSpace)) + numbers;
  grid.gap_x = static_cast<int>(points(chart.shared_y ? 8 : 12)) + (chart.shared_y ? 0 : numbers);
  grid.gap_y = static_cast<int>(points(6)) + title;
  grid.panel_width =
      (width - grid.left - kOuterMargin - static_cast<int>(points(3)) - (columns - 1) * grid.gap_x) / columns;
  requireReadable(grid.panel_width);
  const double aspect = chart.aspect > 0 ? chart.aspect : columns > 1 ? 0.8 : grid.count > 1 ? 0.42 : 0.62;
  grid.panel_height = static_cast<int>(grid.panel_width * aspect);
  layout.legend_top = layout.chrome.top();
  layout.landmark_space = chart.landmarks.empty() ? 0 : Canvas::textHeight(kTickPoints);
  grid.top = layout.legend_top + legendHeight(chart.legend, width - grid.left - kOuterMargin) +
             static_cast<int>(points(3)) + std::max(title, layout.landmark_space);
  layout.height = grid.bottom() + static_cast<int>(points(kAxisSpace)) + Canvas::textHeight(kTickPoints) +
                  Canvas::textHeight(kLabelPoints) + layout.chrome.bottom();
  return layout;
}

QCPAxisRect* addAxes(Canvas& canvas, const Layout& layout, const LineChart& chart, std::size_t index) {
  const LinePanel& data = chart.panels[index];
  QCPAxisRect* panel = canvas.addPanel(layout.grid.area(index));
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  if (chart.log_x) x->setScaleType(QCPAxis::stLogarithmic);
  x->setRange(chart.x_low, chart.x_high);
  y->setRange(data.low, data.high);
  canvas.setTicks(x, Canvas::withoutTouching(chart.x_ticks, *x, layout.grid.panel_width), layout.grid.lowest(index));
  canvas.setTicks(y, data.y_ticks, !chart.shared_y || layout.grid.firstColumn(index));
  for (QCPAxis* axis : {x, y}) {
    axis->grid()->setVisible(axis == y);
    axis->grid()->setZeroLinePen(Qt::NoPen);
    axis->grid()->setPen(QPen(toColour(canvas.colours().grid), points(0.4)));
  }
  return panel;
}

void drawPanel(Canvas& canvas, const Layout& layout, const LineChart& chart, std::size_t index) {
  const LinePanel& data = chart.panels[index];
  const QRect area = layout.grid.area(index);
  QCPAxisRect* panel = addAxes(canvas, layout, chart, index);
  QPen landmark(toColour(canvas.colours().muted), points(0.5), Qt::SolidLine, Qt::FlatCap);
  for (const Landmark& mark : chart.landmarks) addVertical(panel, mark.at, landmark);
  for (const RuleLine& rule : data.rules) addHorizontal(panel, rule.at, rule.pen);
  drawSeries(panel, area.width(), data.series, chart.spread);
  if (!data.title.empty())
    canvas.addText(QPointF(area.left(), area.top() - points(2)), Canvas::elided(data.title, kLabelPoints, area.width()),
                   {kLabelPoints, Qt::AlignLeft | Qt::AlignBottom}, canvas.colours().ink);
  if (!data.y_title.empty())
    canvas.addText(QPointF(kOuterMargin + Canvas::textHeight(kLabelPoints) / 2.0, area.center().y()), data.y_title,
                   {kLabelPoints, Qt::AlignCenter, -90}, canvas.colours().ink);
}

// Names right of their lines, if there is room.
void nameLandmarks(Canvas& canvas, const Layout& layout, const LineChart& chart) {
  const QRect area = layout.grid.area(0);
  double free_from = area.left();
  for (std::size_t i = 0; i < chart.landmarks.size(); ++i) {
    const auto place = [&](double at) {
      return area.left() + (at - chart.x_low) / (chart.x_high - chart.x_low) * area.width();
    };
    const double x = place(chart.landmarks[i].at);
    const double end = i + 1 < chart.landmarks.size() ? place(chart.landmarks[i + 1].at) : area.right();
    const int room = static_cast<int>(end - x - points(2));
    const std::string name = Canvas::elided(chart.landmarks[i].name, kTickPoints, room);
    if (x < free_from - 0.5 || Canvas::textWidth(name, kTickPoints) > room || name == "…") continue;
    canvas.addText(QPointF(x, area.top() - points(1)), name, {kTickPoints, Qt::AlignLeft | Qt::AlignBottom},
                   canvas.colours().muted);
    free_from = x + Canvas::textWidth(name, kTickPoints);
  }
}

}  // namespace

QPen linePen(const QColor& colour, double width) {
  return {colour, points(width), Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin};
}

QPen dashedPen(const QColor& colour, double width) {
  QPen pen = linePen(colour, width);
  pen.setDashPattern({4, 2.5});
  return pen;
}

std::unique_ptr<Canvas> drawLineChart(const LineChart& chart, const FigureSpec& spec) {
  ensureApplication();
  const Layout layout = planLayout(chart, spec);
  auto canvas = std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme);
  for (std::size_t i = 0; i < chart.panels.size(); ++i) drawPanel(*canvas, layout, chart, i);
  nameLandmarks(*canvas, layout, chart);
  const PanelGrid& grid = layout.grid;
  drawLegend(*canvas, chart.legend, QPoint(grid.left, layout.legend_top), canvas->width() - grid.left - kOuterMargin);
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  if (!chart.y_title.empty())
    canvas->addText(QPointF(kOuterMargin + half, (grid.top + grid.bottom()) / 2.0), chart.y_title,
                    {kLabelPoints, Qt::AlignCenter, -90}, canvas->colours().ink);
  canvas->addText(QPointF((grid.left + grid.right()) / 2.0,
                          grid.bottom() + points(kAxisSpace) + Canvas::textHeight(kTickPoints) + half),
                  chart.x_title, {kLabelPoints, Qt::AlignCenter}, canvas->colours().ink);
  drawChrome(*canvas, layout.chrome);
  return canvas;
}

}  // namespace kvatlas::views
