// The two figures with lines over layers (kept tokens, retained mass) share one builder.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "views/models/figure_sidecar.h"
#include "views/models/layer_chart.h"
#include "views/plots/chrome.h"
#include "views/plots/figure.h"
#include "views/plots/legend.h"
#include "views/plots/offscreen.h"
#include "views/plots/panel_grid.h"

namespace kvatlas::views {
namespace {

struct Layout {
  PanelGrid grid;
  Chrome chrome;
  std::vector<LegendEntry> legend;
  std::vector<double> tops;  // upper end of each panel's y axis
  std::vector<std::vector<Tick>> ticks;
  int legend_top = 0, height = 0;
};

QColor colourOf(const LayerSeries& series, Theme theme) {
  return toColour(series.shared ? oracleColour(theme) : methodColour(series.method, theme));
}

QPen penOf(const LayerSeries& series, Theme theme) {
  QPen pen(colourOf(series, theme), points(series.oracle ? 0.8 : kLineWidth), Qt::SolidLine, Qt::FlatCap,
           Qt::RoundJoin);
  if (series.oracle) pen.setDashPattern({4, 2.5});
  return pen;
}

QPen nominalPen(Theme theme) {
  QPen pen(toColour(themeColours(theme).muted), points(0.6), Qt::SolidLine, Qt::FlatCap);
  pen.setDashPattern({1, 2});
  return pen;
}

std::vector<LegendEntry> legendOf(const LayerChart& chart, Theme theme) {
  const QColor paper = toColour(themeColours(theme).paper);
  std::vector<LegendEntry> entries;
  bool oracles = false;
  for (const LayerPanel& panel : chart.panels) {
    for (const LayerSeries& series : panel.series) {
      oracles = oracles || series.oracle;
      const QString title = QString::fromStdString(series.title);
      const auto same = [&](const LegendEntry& entry) { return entry.text == series.title; };
      if (series.oracle || std::any_of(entries.begin(), entries.end(), same)) continue;
      entries.push_back(
          {series.title, penOf(series, theme), scatterOf(methodMark(series.method), colourOf(series, theme), paper)});
    }
  }
  if (oracles) {
    QPen oracle(toColour(oracleColour(theme)), points(0.8), Qt::SolidLine, Qt::FlatCap);
    oracle.setDashPattern({4, 2.5});
    entries.push_back({"best set of equal size", oracle, {}});
  }
  if (chart.whole) entries.push_back({"nominal budget", nominalPen(theme), {}});
  return entries;
}

bool anyOwnOracle(const LayerChart& chart) {
  for (const LayerPanel& panel : chart.panels)
    for (const LayerSeries& series : panel.series)
      if (series.oracle && !series.shared) return true;
  return false;
}

double topOf(const LayerChart& chart, const LayerPanel& panel) {
  if (chart.shared_range) return chart.high + 0.05 * (chart.high - chart.low);
  double top = panel.nominal;
  for (const LayerSeries& series : panel.series)
    for (const double value : series.values) top = std::max(top, value);
  return top * 1.1;
}

Layout planLayout(const FigureSpec& spec, const LayerChart& chart, const std::vector<std::string>& notes) {
  Layout layout;
  const int width = inches(spec.width_inches);
  const bool wide = spec.width_inches > 4.5;
  PanelGrid& grid = layout.grid;
  grid.count = chart.panels.size();
  grid.columns = spec.columns > 0 ? spec.columns
                 : wide           ? std::min<std::size_t>(grid.count, grid.count == 4 ? 2 : 3)
                                  : 1;
  layout.chrome = planChrome(spec.title, notes, width);
  layout.legend = legendOf(chart, spec.theme);
  int widest = 0;
  for (const LayerPanel& panel : chart.panels) {
    layout.tops.push_back(topOf(chart, panel));
    layout.ticks.push_back(linearTicks(chart.low, layout.tops.back(), 6, chart.whole));
    widest = std::max(widest, Canvas::widestTick(layout.ticks.back()));
  }
  const int columns = static_cast<int>(grid.columns);
  grid.left = kOuterMargin + Canvas::textHeight(kLabelPoints) + static_cast<int>(points(5.5)) + widest;
  grid.gap_x = static_cast<int>(points(chart.shared_range ? 8 : 12)) + (chart.shared_range ? 0 : widest);
  grid.gap_y = static_cast<int>(points(6)) + Canvas::textHeight(kLabelPoints);
  grid.panel_width =
      (width - grid.left - kOuterMargin - static_cast<int>(points(3)) - (columns - 1) * grid.gap_x) / columns;
  requireReadable(grid.panel_width);
  const double aspect = columns == 1 ? (grid.count > 1 ? 0.42 : 0.62) : 0.8;
  grid.panel_height = static_cast<int>(grid.panel_width * aspect);
  layout.legend_top = layout.chrome.top();
  grid.top = layout.legend_top + legendHeight(layout.legend, width - grid.left - kOuterMargin) +
             static_cast<int>(points(3)) + Canvas::textHeight(kLabelPoints);
  layout.height = grid.bottom() + static_cast<int>(points(5.5)) + Canvas::textHeight(kTickPoints) +
                  Canvas::textHeight(kLabelPoints) + layout.chrome.bottom();
  return layout;
}

bool coincide(const LayerSeries& a, const LayerSeries& b, double tolerance) {
  for (std::size_t i = 0; i < a.values.size(); ++i)
    if (!(std::abs(a.values[i] - b.values[i]) <= tolerance)) return false;
  return a.oracle == b.oracle;
}

// Lines on top of each other share the way: each shows every m-th dash and mark, so that none hides another.
struct Sharing {
  std::size_t place = 0, of = 1;
};

std::vector<Sharing> sharingOf(const LayerPanel& panel, double tolerance) {
  std::vector<Sharing> sharing(panel.series.size());
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    std::size_t before = 0, all = 0;
    for (std::size_t j = 0; j < panel.series.size(); ++j) {
      if (!coincide(panel.series[i], panel.series[j], tolerance)) continue;
      before += j < i ? 1 : 0;
      ++all;
    }
    sharing[i] = {before, std::max<std::size_t>(all, 1)};
  }
  return sharing;
}

QVector<double> vectorOf(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

void drawBand(QCPAxisRect* panel, const LayerSeries& series, const QVector<double>& layers, Theme theme) {
  if (series.low.empty()) return;
  const auto addEdge = [&](const std::vector<double>& values) {
    auto* graph = new QCPGraph(panel->axis(QCPAxis::atBottom), panel->axis(QCPAxis::atLeft));
    graph->setData(layers, vectorOf(values), true);
    graph->setPen(Qt::NoPen);
    return graph;
  };
  QCPGraph* low = addEdge(series.low);
  QCPGraph* high = addEdge(series.high);
  high->setBrush(toColour(methodColour(series.method, theme), 0.09));
  high->setChannelFillGraph(low);
}

void drawSeries(Canvas& canvas, QCPAxisRect* panel, const LayerSeries& series, const QVector<double>& layers,
                Sharing sharing) {
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  QPen pen = penOf(series, canvas.theme());
  if (sharing.of > 1 && !series.oracle) {
    constexpr double kDash = 4;  // pen widths
    pen.setDashPattern({kDash, kDash * static_cast<double>(sharing.of - 1)});
    pen.setDashOffset(kDash * static_cast<double>(sharing.of - sharing.place));
  }
  auto* line = new QCPGraph(x, y);
  line->setData(layers, vectorOf(series.values), true);
  line->setPen(pen);
  if (series.oracle) return;
  auto* marks = new QCPGraph(x, y);
  for (qsizetype i = 0; i < layers.size(); ++i)
    if (static_cast<std::size_t>(i) % sharing.of == sharing.place)
      marks->addData(layers[i], series.values[static_cast<std::size_t>(i)]);
  marks->setLineStyle(QCPGraph::lsNone);
  marks->setScatterStyle(
      scatterOf(methodMark(series.method), colourOf(series, canvas.theme()), toColour(canvas.colours().paper)));
}

std::string panelTitle(const LayerPanel& panel) {
  if (panel.budget.find('%') == std::string::npos) return fmt::format("budget {} tokens per head", panel.budget);
  return fmt::format("budget {} ({} tokens per head)", panel.budget, plainNumber(panel.nominal));
}

void drawPanel(Canvas& canvas, const Layout& layout, const LayerChart& chart, std::size_t index,
               std::size_t layer_count) {
  const LayerPanel& data = chart.panels[index];
  const QRect area = layout.grid.area(index);
  QCPAxisRect* panel = canvas.addPanel(area);
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  const double last = static_cast<double>(layer_count) - 1;
  x->setRange(-0.03 * last - 0.2, last * 1.03 + 0.2);
  y->setRange(chart.low, layout.tops[index]);
  canvas.setTicks(x, linearTicks(0, last + 1e-6, 9, true), layout.grid.lowest(index));
  canvas.setTicks(y, layout.ticks[index], !chart.shared_range || layout.grid.firstColumn(index));
  for (QCPAxis* axis : {x, y}) {
    axis->grid()->setVisible(axis == y);
    axis->grid()->setZeroLinePen(Qt::NoPen);
    axis->grid()->setPen(QPen(toColour(canvas.colours().grid), points(0.4)));
  }
  QVector<double> layers(static_cast<qsizetype>(layer_count));
  for (qsizetype i = 0; i < layers.size(); ++i) layers[i] = static_cast<double>(i);
  if (chart.whole) {
    auto* nominal = new QCPGraph(x, y);
    nominal->setData({x->range().lower, x->range().upper}, {data.nominal, data.nominal}, true);
    nominal->setPen(nominalPen(canvas.theme()));
  }
  for (const LayerSeries& series : data.series) drawBand(panel, series, layers, canvas.theme());
  const std::vector<Sharing> sharing = sharingOf(data, 0.004 * (layout.tops[index] - chart.low));
  for (std::size_t i = 0; i < data.series.size(); ++i) drawSeries(canvas, panel, data.series[i], layers, sharing[i]);
  canvas.addText(QPointF(area.left(), area.top() - points(2)), panelTitle(data),
                 {kLabelPoints, Qt::AlignLeft | Qt::AlignBottom}, canvas.colours().ink);
}

void drawChart(Figure& figure, const LayerChart& chart, const FigureSpec& spec, const TraceFacts& facts,
               const std::vector<std::string>& notes) {
  ensureApplication();
  const Layout layout = planLayout(spec, chart, notes);
  figure.canvas = std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme);
  Canvas& canvas = *figure.canvas;
  for (std::size_t i = 0; i < chart.panels.size(); ++i) drawPanel(canvas, layout, chart, i, facts.layers);
  drawLegend(canvas, layout.legend, QPoint(layout.grid.left, layout.legend_top),
             canvas.width() - layout.grid.left - kOuterMargin);
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  canvas.addText(QPointF(kOuterMargin + half, (layout.grid.top + layout.grid.bottom()) / 2.0), chart.quantity,
                 {kLabelPoints, Qt::AlignCenter, -90}, canvas.colours().ink);
  canvas.addText(QPointF((layout.grid.left + layout.grid.right()) / 2.0,
                         layout.grid.bottom() + points(5.5) + Canvas::textHeight(kTickPoints) + half),
                 "layer", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
  drawChrome(canvas, layout.chrome);
}

Figure startChart(const FigureSpec& spec, const TraceFacts& facts, const RunChoice& choice, const LayerChart& chart) {
  Figure figure = startFigure(spec, facts);
  figure.warnings.insert(figure.warnings.end(), chart.warnings.begin(), chart.warnings.end());
  nlohmann::json runs = nlohmann::json::array();
  for (const ChosenRun& run : choice.runs) runs.push_back(describeRun(run));
  figure.sidecar["runs"] = std::move(runs);
  figure.sidecar["chart"] = describeChart(chart);
  return figure;
}

}  // namespace

Figure budgetFigure(const trace::Reader& reader, const FigureSpec& spec) {
  const TraceFacts facts = traceFacts(reader);
  const RunChoice choice = chooseRuns(reader, spec.runs, spec.budgets);
  const LayerChart chart = budgetChart(reader, choice);
  Figure figure = startChart(spec, facts, choice, chart);
  std::vector<std::string> notes = commonNotes(facts);
  if (facts.window > 0) notes.push_back(fmt::format("window of {} included", facts.window));
  notes.emplace_back("mean over heads");
  drawChart(figure, chart, spec, facts, notes);
  return figure;
}

Figure retainedFigure(const trace::Reader& reader, const FigureSpec& spec) {
  const TraceFacts facts = traceFacts(reader);
  const RunChoice choice = chooseRuns(reader, spec.runs, spec.budgets);
  const LayerChart chart = retainedChart(reader, choice, spec.lowest_retained);
  Figure figure = startChart(spec, facts, choice, chart);
  std::vector<std::string> notes = commonNotes(facts);
  const std::size_t steps =
      choice.runs.front().record.retained.size() / (std::size_t{facts.layers} * facts.query_heads);
  notes.push_back(fmt::format("mean over {} decoding steps and {} query heads", steps, facts.query_heads));
  notes.emplace_back("band: 10th to 90th percentile of heads");
  if (anyOwnOracle(chart)) notes.emplace_back("dashed in a method's colour: the best set of that method's sizes");
  drawChart(figure, chart, spec, facts, notes);
  return figure;
}

}  // namespace kvatlas::views
