#include "views/pages/charts/chart_plot.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"
#include "views/plots/legend.h"

namespace kvatlas::views {
namespace {

constexpr double kReach = 18;  // pixels: how near the pointer has to be to a point
constexpr int kLegendRows = 9;
constexpr double kMarkPixels = 5;
constexpr int kLegendWidth = 520, kMarkedLines = 4;  // a narrow plot has no legend and marks few lines
constexpr qreal kTurn = 7;                           // dash length of each coinciding line, in pen widths
const QString kMarkerLayer = QStringLiteral("marker");

QSharedPointer<QCPAxisTicker> tickerOf(bool logarithmic) {
  if (logarithmic) return QSharedPointer<QCPAxisTicker>(new QCPAxisTickerLog);
  auto* ticker = new QCPAxisTicker;
  ticker->setTickStepStrategy(QCPAxisTicker::tssReadability);
  return QSharedPointer<QCPAxisTicker>(ticker);
}

// Coinciding lines alternate: each one draws its dashes in the gaps of the others.
QPen penOf(const ChartLine& line, const Coincidence& shared) {
  QPen pen(line.colour, line.strong ? 2.6 : 1.4, line.style);
  if (shared.count < 2) return pen;
  QList<qreal> pattern = line.style == Qt::SolidLine ? QList<qreal>{kTurn, 0} : pen.dashPattern();
  const qreal period = std::accumulate(pattern.begin(), pattern.end(), 0.0);
  pattern.back() += static_cast<qreal>(shared.count - 1) * period;
  pen.setCapStyle(Qt::FlatCap);
  pen.setDashPattern(pattern);
  pen.setDashOffset(static_cast<qreal>(shared.count - shared.rank) * period);
  return pen;
}

}  // namespace

std::vector<Coincidence> coincidences(const std::vector<ChartLine>& lines) {
  std::vector<Coincidence> all(lines.size());
  const auto alike = [&](std::size_t a, std::size_t b) {
    return !lines[a].strong && !lines[b].strong && lines[a].style == lines[b].style && !lines[a].x.empty() &&
           lines[a].x == lines[b].x && lines[a].y == lines[b].y;
  };
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (std::size_t j = 0; j < lines.size(); ++j) {
      if (i == j || !alike(i, j)) continue;
      ++all[i].count;
      if (j < i) ++all[i].rank;
    }
  return all;
}

ChartPlot::ChartPlot(QWidget* parent)
    : KeyPlot(parent), m_marker(new QCPItemStraightLine(this)), m_text(new QCPItemText(this)) {
  setAccessibleName(tr("Chart"));
  setNoAntialiasingOnDrag(true);
  legend->setVisible(false);
  // Keeps the entries at the top at any height.
  auto* side = new QCPLayoutGrid;
  plotLayout()->addElement(0, 1, side);
  side->addElement(0, 0, legend);
  side->addElement(1, 0, new QCPLayoutElement(this));
  side->setRowStretchFactor(0, 0.001);
  plotLayout()->setColumnStretchFactor(1, 0.001);
  plotLayout()->setColumnSpacing(6);
  legend->setFillOrder(QCPLegend::foRowsFirst);
  legend->setWrap(kLegendRows);
  legend->setMargins(QMargins(4, 2, 4, 2));
  legend->setRowSpacing(0);
  legend->setIconSize(22, 10);
  axisRect()->setupFullAxesBox(false);
  xAxis2->setTicks(false);
  yAxis2->setTicks(false);
  m_marker->point1->setTypeX(QCPItemPosition::ptPlotCoords);
  m_marker->setVisible(false);
  // Own buffer: moving the marker does not redraw the lines.
  addLayer(kMarkerLayer, layer(QStringLiteral("grid")));
  layer(kMarkerLayer)->setMode(QCPLayer::lmBuffered);
  m_marker->setLayer(kMarkerLayer);
  m_text->position->setType(QCPItemPosition::ptAxisRectRatio);
  m_text->position->setCoords(0.5, 0.5);
  m_text->setVisible(false);
  setLogarithmic(false, false);
  applyTheme();
}

void ChartPlot::setTitles(const QString& x, const QString& y, const QString& short_y) {
  xAxis->setLabel(x);
  m_y_title = y;
  m_short_y_title = short_y.isEmpty() ? y : short_y;
  setAccessibleName(tr("Chart of %1 over %2").arg(y, x));
  fitTitle();
}

// A low chart has no room for a long title of its y axis.
void ChartPlot::fitTitle() {
  constexpr int kBelow = 40;  // the x axis with its labels
  const int room = std::max(height() - kBelow, 0);
  const QFontMetrics font(yAxis->labelFont());
  const QString& title = font.horizontalAdvance(m_y_title) <= room ? m_y_title : m_short_y_title;
  yAxis->setLabel(font.elidedText(title, Qt::ElideRight, room));
}

void ChartPlot::setLogarithmic(bool x, bool y) {
  for (const auto& [axis, logarithmic] : {std::pair{xAxis, x}, std::pair{yAxis, y}}) {
    axis->setScaleType(logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    axis->setTicker(tickerOf(logarithmic));
    axis->setNumberFormat(logarithmic ? QStringLiteral("eb") : QStringLiteral("gb"));
    axis->setNumberPrecision(logarithmic ? 0 : 4);
  }
}

void ChartPlot::setLines(std::vector<ChartLine> lines) {
  m_lines = std::move(lines);
  drawLines();
}

void ChartPlot::setMessage(const QString& text) {
  m_text->setText(text);
  m_text->setVisible(!text.isEmpty());
  replot(rpQueuedReplot);
}

void ChartPlot::setMarker(std::optional<double> x) {
  if (x == m_marker_x) return;
  m_marker_x = x;
  placeMarker();
  layer(kMarkerLayer)->replot();
}

void ChartPlot::placeMarker() {
  m_marker->setVisible(m_marker_x.has_value());
  if (!m_marker_x) return;
  m_marker->point1->setCoords(*m_marker_x, yAxis->range().lower);
  m_marker->point2->setCoords(*m_marker_x, yAxis->range().upper);
}

void ChartPlot::drawLines() {
  clearGraphs();
  legend->clearItems();
  m_shared = coincidences(m_lines);
  for (std::size_t i = 0; i < m_lines.size(); ++i) {
    const ChartLine& line = m_lines[i];
    QCPGraph* graph = addGraph();
    graph->removeFromLegend();
    graph->setData(QVector<double>(line.x.begin(), line.x.end()), QVector<double>(line.y.begin(), line.y.end()), true);
    graph->setPen(penOf(line, m_shared[i]));
    graph->setAntialiased(true);
    if (line.strong) graph->setLayer(QStringLiteral("axes"));
    addMarks(line, m_shared[i]);
    if (!line.title.isEmpty() && !m_narrow) addToLegend(line);
  }
  legend->setVisible(legend->itemCount() > 0);
  legend->setMinimumSize(legend->itemCount() > 0 ? QSize() : QSize(0, 0));
  fitRanges();
  placeMarker();
  replot(rpQueuedReplot);
}

QCPScatterStyle ChartPlot::marksOf(const ChartLine& line) const {
  const bool crowded = m_narrow && m_lines.size() > kMarkedLines && !line.strong;
  if (line.mark == Mark::None || line.x.size() > 64 || crowded) return {};
  QCPScatterStyle style = scatterOf(line.mark, line.colour, palette().color(QPalette::Base));
  style.setSize(line.strong ? kMarkPixels + 2 : kMarkPixels);
  style.setPen(QPen(line.colour, line.strong ? 1.8 : 1.2));
  return style;
}

// Each of several coinciding lines marks its share of the points.
void ChartPlot::addMarks(const ChartLine& line, const Coincidence& shared) {
  QVector<double> x, y;
  for (std::size_t i = shared.rank; i < line.x.size(); i += shared.count) {
    x.push_back(line.x[i]);
    y.push_back(line.y[i]);
  }
  QCPGraph* marks = addGraph();
  marks->removeFromLegend();
  marks->setLineStyle(QCPGraph::lsNone);
  marks->setScatterStyle(marksOf(line));
  marks->setData(x, y, true);
  marks->setAntialiased(true);
  if (line.strong) marks->setLayer(QStringLiteral("axes"));
}

// The legend shows every line solid, even if it coincides with others.
void ChartPlot::addToLegend(const ChartLine& line) {
  QCPGraph* sample = addGraph();
  sample->setPen(penOf(line, {}));
  sample->setScatterStyle(marksOf(line));
  sample->setName(line.title);
}

void ChartPlot::fitRanges() {
  double left = INFINITY, right = -INFINITY, low = INFINITY, high = -INFINITY;
  const bool log_y = yAxis->scaleType() == QCPAxis::stLogarithmic;
  for (const ChartLine& line : m_lines) {
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      left = std::min(left, line.x[i]);
      right = std::max(right, line.x[i]);
      if (std::isnan(line.y[i]) || (log_y && line.y[i] <= 0)) continue;
      low = std::min(low, line.y[i]);
      high = std::max(high, line.y[i]);
    }
  }
  if (!(left <= right)) std::tie(left, right) = std::pair(0.0, 1.0);
  if (!(low <= high)) std::tie(low, high) = std::pair(log_y ? 1e-6 : 0.0, 1.0);
  if (xAxis->scaleType() == QCPAxis::stLogarithmic) {
    xAxis->setRange(std::max(left, 1e-12) / 1.1, std::max(right, 1.0) * 1.1);
  } else {
    const double margin = std::max(right - left, 1.0) * 0.02;
    xAxis->setRange(left - margin, right + margin);
  }
  if (m_y_range) return yAxis->setRange(*m_y_range);
  if (log_y) return yAxis->setRange(low / 1.5, high * 1.5);
  yAxis->setRange(std::min(0.0, low), high > 0 ? high * 1.06 : 1);
}

// Of several coinciding lines, the one that marks the point.
std::optional<ChartPoint> ChartPlot::nearest(const QPointF& pixel) const {
  std::optional<ChartPoint> best;
  double best_distance = kReach * kReach;
  for (std::size_t l = 0; l < m_lines.size(); ++l) {
    const ChartLine& line = m_lines[l];
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (std::isnan(line.y[i]) || i % m_shared[l].count != m_shared[l].rank) continue;
      const double dx = xAxis->coordToPixel(line.x[i]) - pixel.x(), dy = yAxis->coordToPixel(line.y[i]) - pixel.y();
      const double distance = dx * dx + dy * dy;
      if (distance > best_distance || (distance == best_distance && best)) continue;
      best_distance = distance;
      best = ChartPoint{line.id, i, line.x[i], line.y[i]};
    }
  }
  return best;
}

void ChartPlot::resizeEvent(QResizeEvent* event) {
  KeyPlot::resizeEvent(event);
  fitTitle();
  const bool narrow = event->size().width() < kLegendWidth;
  if (narrow == std::exchange(m_narrow, narrow)) return;
  drawLines();
}

void ChartPlot::changeEvent(QEvent* event) {
  KeyPlot::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) applyTheme();
}

void ChartPlot::mouseMoveEvent(QMouseEvent* event) {
  KeyPlot::mouseMoveEvent(event);
  const auto point = nearest(event->position());
  setCursor(point ? Qt::PointingHandCursor : Qt::ArrowCursor);
  emit hovered(point, event->globalPosition().toPoint());
}

void ChartPlot::mouseReleaseEvent(QMouseEvent* event) {
  KeyPlot::mouseReleaseEvent(event);
  if (event->button() != Qt::LeftButton) return;
  m_at = nearest(event->position());
  if (m_at) emit picked(*m_at);
}

void ChartPlot::applyTheme() {
  const ThemeColours& colours = themeColours(themeOf(palette()));
  const QColor ink = toColour(colours.ink), muted = toColour(colours.muted), grid = toColour(colours.grid);
  QFont small = font();
  small.setPointSizeF(std::max(7.0, font().pointSizeF() - 1));
  setBackground(QBrush(toColour(colours.paper)));
  for (QCPAxis* axis : {xAxis, yAxis, xAxis2, yAxis2}) {
    axis->setBasePen(QPen(muted, 1));
    axis->setTickPen(QPen(muted, 1));
    axis->setSubTickPen(Qt::NoPen);
    axis->setTickLabelColor(ink);
    axis->setLabelColor(ink);
    axis->setTickLabelFont(small);
    axis->setLabelFont(small);
    axis->grid()->setPen(QPen(grid, 1));
    axis->grid()->setZeroLinePen(QPen(grid, 1));
  }
  fitTitle();
  legend->setFont(small);
  legend->setTextColor(ink);
  legend->setBorderPen(Qt::NoPen);
  legend->setBrush(Qt::NoBrush);
  m_marker->setPen(QPen(ink, 1, Qt::DashLine));
  m_text->setColor(muted);
  m_text->setFont(font());
  replot(rpQueuedReplot);
}

}  // namespace kvatlas::views
