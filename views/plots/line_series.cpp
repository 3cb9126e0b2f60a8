#include "views/plots/line_series.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::views {
namespace {

QVector<double> vectorOf(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

QCPGraph* addGraph(QCPAxisRect* panel, const std::vector<double>& x, const std::vector<double>& y, const QPen& pen) {
  auto* graph = new QCPGraph(panel->axis(QCPAxis::atBottom), panel->axis(QCPAxis::atLeft));
  graph->setData(vectorOf(x), vectorOf(y), true);
  graph->setPen(pen);
  return graph;
}

bool coincide(const LineSeries& a, const LineSeries& b, double tolerance) {
  if (a.background != b.background || a.x.size() != b.x.size()) return false;
  for (std::size_t i = 0; i < a.y.size(); ++i)
    if (!(a.x[i] == b.x[i] && std::abs(a.y[i] - b.y[i]) <= tolerance)) return false;
  return true;
}

// Of m coinciding lines, each draws every m-th dash and mark, so that none hides another.
struct Sharing {
  std::size_t place = 0, of = 1;
};

std::vector<Sharing> sharingOf(const std::vector<LineSeries>& series, double tolerance) {
  std::vector<Sharing> sharing(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    std::size_t before = 0, all = 0;
    for (std::size_t j = 0; j < series.size(); ++j) {
      if (!coincide(series[i], series[j], tolerance)) continue;
      before += j < i ? 1 : 0;
      ++all;
    }
    sharing[i] = {before, std::max<std::size_t>(all, 1)};
  }
  return sharing;
}

void drawBand(QCPAxisRect* panel, const LineSeries& series) {
  QCPGraph* low = addGraph(panel, series.x, series.low, Qt::NoPen);
  QCPGraph* high = addGraph(panel, series.x, series.high, Qt::NoPen);
  QColor fill = series.pen.color();
  fill.setAlphaF(0.13F);
  high->setBrush(fill);
  high->setChannelFillGraph(low);
}

// Bars with caps, paler than the line, so that the line stands out.
void drawWhiskers(QCPAxisRect* panel, const LineSeries& series, double foot) {
  QColor pale = series.pen.color();
  pale.setAlphaF(0.55F);
  const QPen pen(pale, points(0.8), Qt::SolidLine, Qt::FlatCap);
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!(series.high[i] > series.low[i])) continue;
    auto* bars = new QCPErrorBars(panel->axis(QCPAxis::atBottom), panel->axis(QCPAxis::atLeft));
    QCPGraph* anchor = addGraph(panel, {series.x[i]}, {series.low[i]}, Qt::NoPen);
    bars->setDataPlottable(anchor);
    bars->setData({0.0}, {series.high[i] - series.low[i]});
    bars->setPen(pen);
    bars->setWhiskerWidth(foot);
    bars->setSymbolGap(0);
  }
}

void drawLine(QCPAxisRect* panel, const LineSeries& series, Sharing sharing) {
  QPen pen = series.pen;
  if (sharing.of > 1 && !series.background) {
    constexpr double kDash = 4;  // pen widths
    pen.setDashPattern({kDash, kDash * static_cast<double>(sharing.of - 1)});
    pen.setDashOffset(kDash * static_cast<double>(sharing.of - sharing.place));
  }
  addGraph(panel, series.x, series.y, pen);
  if (series.mark.isNone()) return;
  auto* marks = new QCPGraph(panel->axis(QCPAxis::atBottom), panel->axis(QCPAxis::atLeft));
  for (std::size_t i = 0; i < series.x.size(); ++i)
    if (i % sharing.of == sharing.place) marks->addData(series.x[i], series.y[i]);
  marks->setLineStyle(QCPGraph::lsNone);
  marks->setScatterStyle(series.mark);
}

// Shifts x by `units` of the panel.
double moved(const QCPAxis& axis, double width, double x, double units) {
  const QCPRange range = axis.range();
  if (axis.scaleType() == QCPAxis::stLogarithmic) return x * std::pow(range.upper / range.lower, units / width);
  return x + range.size() * units / width;
}

// The minimum distance between neighbouring x of all series, in units.
double narrowest(const QCPAxis& axis, double width, const std::vector<LineSeries>& series) {
  double least = width;
  for (const LineSeries& one : series)
    for (std::size_t i = 1; i < one.x.size(); ++i) {
      const double share = axis.scaleType() == QCPAxis::stLogarithmic
                               ? std::log(one.x[i] / one.x[i - 1]) / std::log(axis.range().upper / axis.range().lower)
                               : (one.x[i] - one.x[i - 1]) / axis.range().size();
      if (share > 0) least = std::min(least, share * width);
    }
  return least;
}

// Offsets series with whiskers so that they do not overlap. Returns the offset step.
double offsetWhiskers(const QCPAxis& axis, double width, std::vector<LineSeries>& series) {
  const auto count = std::count_if(series.begin(), series.end(), [](const LineSeries& s) { return !s.low.empty(); });
  if (count == 0) return 0;
  constexpr double kMost = 3.2, kShare = 0.72;  // points; of the space between two x
  const double step = std::min(points(kMost), kShare * narrowest(axis, width, series) / static_cast<double>(count));
  double place = -0.5 * static_cast<double>(count - 1);
  for (LineSeries& one : series) {
    if (one.low.empty()) continue;
    for (double& x : one.x) x = moved(axis, width, x, place * step);
    ++place;
  }
  return step;
}

}  // namespace

void addHorizontal(QCPAxisRect* panel, double at, const QPen& pen) {
  const QCPRange range = panel->axis(QCPAxis::atBottom)->range();
  addGraph(panel, {range.lower, range.upper}, {at, at}, pen);
}

void addVertical(QCPAxisRect* panel, double at, const QPen& pen) {
  const QCPRange range = panel->axis(QCPAxis::atLeft)->range();
  addGraph(panel, {at, at}, {range.lower, range.upper}, pen);
}

void drawSeries(QCPAxisRect* panel, int width, const std::vector<LineSeries>& series, Spread spread) {
  std::vector<LineSeries> drawn = series;
  const std::vector<Sharing> sharing = sharingOf(series, 0.004 * panel->axis(QCPAxis::atLeft)->range().size());
  if (spread == Spread::Whiskers) {
    const double step = offsetWhiskers(*panel->axis(QCPAxis::atBottom), width, drawn);
    for (const LineSeries& one : drawn)
      if (!one.low.empty()) drawWhiskers(panel, one, 0.55 * step);
  } else {
    for (const LineSeries& one : drawn)
      if (!one.low.empty()) drawBand(panel, one);
  }
  for (std::size_t i = 0; i < drawn.size(); ++i) drawLine(panel, drawn[i], sharing[i]);
}

}  // namespace kvatlas::views
