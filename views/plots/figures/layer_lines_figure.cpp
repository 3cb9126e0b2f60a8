// The two figures with lines over layers: kept tokens and retained mass.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "views/models/figures/figure_sidecar.h"
#include "views/models/figures/layer_lines.h"
#include "views/models/number_text.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/line_chart.h"
#include "views/plots/offscreen.h"

namespace kvatlas::views {
namespace {

struct Values {
  FigureHead head;
  LayerLines lines;
  std::vector<std::string> notes;
};

nlohmann::json describeLines(const LayerLines& chart) {
  nlohmann::json panels = nlohmann::json::array();
  for (const LayerPanel& panel : chart.panels) {
    nlohmann::json lines = nlohmann::json::array();
    for (const LayerSeries& series : panel.series) {
      nlohmann::json line = {{"run", series.run},
                             {"method", series.method},
                             {"title", series.title},
                             {"oracle", series.oracle},
                             {"values", numbersOf(series.values)}};
      if (!series.low.empty()) line["p10"] = numbersOf(series.low);
      if (!series.high.empty()) line["p90"] = numbersOf(series.high);
      lines.push_back(std::move(line));
    }
    panels.push_back({{"budget", panel.budget}, {"budget_nominal", panel.nominal}, {"lines", std::move(lines)}});
  }
  return {{"quantity", chart.quantity}, {"panels", std::move(panels)}};
}

QColor colourOf(const LayerSeries& series, Theme theme) {
  return toColour(series.shared ? oracleColour(theme) : methodColour(series.method, theme));
}

QPen penOf(const LayerSeries& series, Theme theme) {
  if (series.oracle) return dashedPen(colourOf(series, theme));
  QPen pen = linePen(colourOf(series, theme));
  // The first trace is solid, the next ones dashed each in their own way.
  static const std::array<QList<qreal>, 3> kDashes{QList<qreal>{5, 1.8}, QList<qreal>{1.4, 1.4},
                                                   QList<qreal>{6, 1.6, 1.4, 1.6}};
  if (series.trace > 0) pen.setDashPattern(kDashes[(series.trace - 1) % kDashes.size()]);
  return pen;
}

QPen nominalPen(Theme theme) {
  QPen pen = linePen(toColour(themeColours(theme).muted), 0.6);
  pen.setDashPattern({1, 2});
  return pen;
}

QCPScatterStyle markOf(const LayerSeries& series, Theme theme) {
  return scatterOf(methodMark(series.method), colourOf(series, theme), toColour(themeColours(theme).paper));
}

std::vector<LegendEntry> legendOf(const LayerLines& chart, Theme theme) {
  std::vector<LegendEntry> entries;
  bool oracles = false;
  for (const LayerPanel& panel : chart.panels) {
    for (const LayerSeries& series : panel.series) {
      oracles = oracles || series.oracle;
      const auto same = [&](const LegendEntry& entry) { return entry.text == series.title; };
      if (series.oracle || std::any_of(entries.begin(), entries.end(), same)) continue;
      entries.push_back({series.title, penOf(series, theme), markOf(series, theme)});
    }
  }
  if (oracles) entries.push_back({"best set of equal size", dashedPen(toColour(oracleColour(theme))), {}});
  if (chart.whole) entries.push_back({"nominal budget", nominalPen(theme), {}});
  return entries;
}

bool anyOwnOracle(const LayerLines& chart) {
  for (const LayerPanel& panel : chart.panels)
    for (const LayerSeries& series : panel.series)
      if (series.oracle && !series.shared) return true;
  return false;
}

double topOf(const LayerLines& chart, const LayerPanel& panel) {
  if (chart.shared_range) return chart.high + 0.05 * (chart.high - chart.low);
  double top = panel.nominal;
  for (const LayerSeries& series : panel.series)
    for (const double value : series.values) top = std::max(top, value);
  return top * 1.1;
}

std::string panelTitle(const LayerPanel& panel) {
  if (panel.budget.find('%') == std::string::npos) return fmt::format("budget {} tokens per head", panel.budget);
  return fmt::format("budget {} ({} tokens per head)", panel.budget, plainNumber(panel.nominal));
}

LinePanel panelOf(const LayerLines& chart, const LayerPanel& data, Theme theme) {
  LinePanel panel{.title = panelTitle(data), .y_title = {}, .low = chart.low, .high = topOf(chart, data)};
  panel.y_ticks = linearTicks(chart.low, panel.high, 6, chart.whole);
  if (chart.whole) panel.rules.push_back({data.nominal, nominalPen(theme)});
  for (const LayerSeries& series : data.series) {
    LineSeries line{{}, series.values, series.low, series.high, penOf(series, theme), {}, series.oracle};
    if (!series.oracle) line.mark = markOf(series, theme);
    for (std::size_t layer = 0; layer < series.values.size(); ++layer) line.x.push_back(static_cast<double>(layer));
    panel.series.push_back(std::move(line));
  }
  return panel;
}

// Bands of more than two methods cover each other.
Spread spreadOf(const LayerLines& chart) {
  for (const LayerPanel& panel : chart.panels)
    if (std::count_if(panel.series.begin(), panel.series.end(), [](const auto& s) { return !s.low.empty(); }) > 2)
      return Spread::Whiskers;
  return Spread::Band;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const LayerLines& data = values.lines;
  std::size_t layers = 1;
  for (const LayerPanel& panel : data.panels)
    for (const LayerSeries& series : panel.series) layers = std::max(layers, series.values.size());
  const double last = static_cast<double>(layers) - 1;
  ensureApplication();  // scatter styles hold a QPixmap
  LineChart chart;
  for (const LayerPanel& panel : data.panels) chart.panels.push_back(panelOf(data, panel, spec.theme));
  chart.legend = legendOf(data, spec.theme);
  chart.x_title = "layer";
  chart.y_title = data.quantity;
  chart.x_low = -0.03 * last - 0.2;
  chart.x_high = last * 1.03 + 0.2;
  chart.x_ticks = linearTicks(0, last + 1e-6, 9, true);
  chart.shared_y = data.shared_range;
  chart.spread = spreadOf(data);
  chart.notes = values.notes;
  return {values.head, drawLineChart(chart, spec)};
}

Values valuesOf(const FigureSpec& spec, const Traces& traces, const std::vector<RunChoice>& choices, LayerLines lines) {
  Values values{startFigure(spec, traces, choices), std::move(lines), commonNotes(traceFacts(*traces.front()))};
  std::vector<std::string>& warnings = values.head.warnings;
  warnings.insert(warnings.end(), values.lines.warnings.begin(), values.lines.warnings.end());
  values.head.sidecar["chart"] = describeLines(values.lines);
  return values;
}

template <class MakeLines>
LayerLines linesOf(const Traces& traces, const std::vector<RunChoice>& choices, const MakeLines& make) {
  std::vector<LayerLines> charts;
  std::vector<std::string> names;
  const std::vector<std::string> all = traceNames(traces);
  for (std::size_t i = 0; i < traces.size(); ++i) {
    if (choices[i].runs.empty()) continue;
    charts.push_back(make(*traces[i], choices[i]));
    names.push_back(all[i]);
  }
  return combined(std::move(charts), names);
}

Values gatherBudget(const Traces& traces, const FigureSpec& spec) {
  const std::vector<RunChoice> choices = chooseRuns(traces, spec.runs, spec.budgets);
  Values values = valuesOf(spec, traces, choices, linesOf(traces, choices, budgetLines));
  const std::uint32_t window = traces.front()->header().attention.window;
  if (window > 0) values.notes.push_back(fmt::format("window of {} included", window));
  values.notes.emplace_back("mean over heads");
  return values;
}

std::string meanPhrase(const Traces& traces, const std::vector<RunChoice>& choices) {
  if (traces.size() > 1) return "mean over decoding steps and query heads";
  const trace::ModelInfo& model = traces.front()->header().model;
  const auto drawn = std::find_if(choices.begin(), choices.end(), [](const RunChoice& c) { return !c.runs.empty(); });
  const std::size_t steps =
      drawn->runs.front().record.retained.size() / (std::size_t{model.layers} * model.query_heads);
  return fmt::format("mean over {} decoding steps and {} query heads", steps, model.query_heads);
}

Values gatherRetained(const Traces& traces, const FigureSpec& spec) {
  const std::vector<RunChoice> choices = chooseRuns(traces, spec.runs, spec.budgets);
  const auto make = [&](const trace::Reader& reader, const RunChoice& choice) {
    return retainedLines(reader, choice, spec.lowest_retained);
  };
  Values values = valuesOf(spec, traces, choices, linesOf(traces, choices, make));
  values.notes.push_back(meanPhrase(traces, choices));
  values.notes.push_back(
      fmt::format("{}: 10th to 90th percentile of heads", spreadOf(values.lines) == Spread::Band ? "band" : "bars"));
  if (anyOwnOracle(values.lines))
    values.notes.emplace_back("dashed in a method's colour: the best set of that method's sizes");
  return values;
}

}  // namespace

// Kept tokens per layer: the pyramid. One panel per budget.
FigureBuilder budgetFigure() {
  return makeBuilder(gatherBudget, draw);
}

// Retained mass per layer with the band over heads and the best set of equal size.
FigureBuilder retainedFigure() {
  return makeBuilder(gatherRetained, draw);
}

}  // namespace kvatlas::views
