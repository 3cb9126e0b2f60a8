#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "views/models/figures/accuracy_chart.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/models/number_text.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/line_chart.h"
#include "views/plots/offscreen.h"

namespace kvatlas::views {
namespace {

struct Values {
  FigureHead head;
  ResultsFacts facts;
  AccuracyChart chart;
};

LineSeries seriesOf(const AccuracyLine& line, Theme theme) {
  const QColor colour = toColour(methodColour(line.method, theme));
  LineSeries series;
  for (const AccuracyPoint& point : line.points) {
    series.x.push_back(point.kept);
    series.y.push_back(point.mean);
    series.low.push_back(point.interval.low);
    series.high.push_back(point.interval.high);
  }
  series.pen = linePen(colour);
  series.mark = scatterOf(methodMark(line.method), colour, toColour(themeColours(theme).paper));
  return series;
}

QPen fullPen(Theme theme) {
  return dashedPen(toColour(methodColour("full", theme)), 0.9);
}

LinePanel panelOf(const AccuracyPanel& data, Theme theme) {
  constexpr double kMargin = 0.04;  // so that marks at 0 and 1 are whole
  LinePanel panel{.title = data.title, .y_title = {}, .low = -kMargin, .high = 1 + kMargin};
  panel.y_ticks = linearTicks(0, 1, 6);
  panel.rules.push_back({data.full.mean, fullPen(theme)});
  for (const AccuracyLine& line : data.lines) panel.series.push_back(seriesOf(line, theme));
  return panel;
}

std::vector<LegendEntry> legendOf(const AccuracyChart& chart, Theme theme) {
  std::vector<LegendEntry> entries;
  for (const AccuracyPanel& panel : chart.panels)
    for (const AccuracyLine& line : panel.lines) {
      const auto same = [&](const LegendEntry& entry) { return entry.text == line.title; };
      if (std::any_of(entries.begin(), entries.end(), same)) continue;
      const LineSeries series = seriesOf(line, theme);
      entries.push_back({line.title, series.pen, series.mark});
    }
  entries.push_back({"full cache", fullPen(theme), {}});
  return entries;
}

std::vector<Tick> budgetTicks(const AccuracyChart& chart) {
  std::vector<Tick> ticks;
  for (const double budget : chart.budgets) ticks.push_back({budget, fmt::format("{:.0f}", budget)});
  return ticks;
}

nlohmann::json pointOf(const AccuracyPoint& point) {
  nlohmann::json described = describeBranch(point.branch);
  described.update({{"kept", point.kept},
                    {"mean", point.mean},
                    {"low", point.interval.low},
                    {"high", point.interval.high},
                    {"records", point.records}});
  return described;
}

// Points with their intervals.
nlohmann::json describePoints(const AccuracyChart& chart) {
  nlohmann::json panels = nlohmann::json::array();
  for (const AccuracyPanel& panel : chart.panels) {
    nlohmann::json lines = nlohmann::json::array();
    for (const AccuracyLine& line : panel.lines) {
      nlohmann::json points = nlohmann::json::array();
      for (const AccuracyPoint& point : line.points) points.push_back(pointOf(point));
      lines.push_back({{"method", line.method}, {"title", line.title}, {"points", std::move(points)}});
    }
    panels.push_back({{"title", panel.title}, {"full", pointOf(panel.full)}, {"lines", std::move(lines)}});
  }
  return {{"interval", "wilson 95 %"}, {"panels", std::move(panels)}};
}

Values gather(const results::ResultsReader& reader, const FigureSpec& spec) {
  Values values;
  values.facts = resultsFacts(reader, spec.score);
  values.chart = accuracyChart(reader, spec);
  values.head = startFigure(spec, reader);
  values.head.sidecar["accuracy"] = describePoints(values.chart);
  return values;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const AccuracyChart& data = values.chart;
  ensureApplication();
  LineChart chart;
  for (const AccuracyPanel& panel : data.panels) chart.panels.push_back(panelOf(panel, spec.theme));
  chart.legend = legendOf(data, spec.theme);
  chart.x_title = "kept tokens per head";
  chart.y_title = fmt::format("{} (mean)", scoreTitle(values.facts.score));
  constexpr double kBeside = 1.25;  // free space beside the outermost budgets
  chart.x_low = data.least_kept / kBeside;
  chart.x_high = data.most_kept * kBeside;
  chart.log_x = true;
  chart.x_ticks = budgetTicks(data);
  chart.shared_y = true;
  chart.spread = Spread::Whiskers;
  chart.notes = commonNotes(values.facts);
  const std::size_t records = data.panels.front().full.records;
  chart.notes.push_back(fmt::format("{} answers per point", grouped(records)));
  chart.notes.emplace_back("bars: 95 % (Wilson), set apart sideways");
  return {values.head, drawLineChart(chart, spec)};
}

}  // namespace

// Score against kept tokens, one line per method, with intervals.
FigureBuilder accuracyFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
