#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "views/models/figures/accuracy_chart.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/models/number_text.h"
#include "views/models/palette.h"
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
  const QColor colour = toColour(budgetShade(methodColour(line.method, theme), line.budget_place));
  LineSeries series;
  for (const AccuracyPoint& point : line.points) {
    series.x.push_back(point.x);
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
  constexpr double kMargin = 0.04;  // shows marks at 0 and 1 in full
  LinePanel panel{.title = data.title, .y_title = {}, .low = -kMargin, .high = 1 + kMargin};
  panel.y_ticks = linearTicks(0, 1, 6);
  if (data.full.records > 0) panel.rules.push_back({data.full.mean, fullPen(theme)});
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
  if (chart.panels.front().full.records > 0) entries.push_back({"full cache", fullPen(theme), {}});
  return entries;
}

std::vector<Tick> ticksOf(const AccuracyChart& chart) {
  std::vector<Tick> ticks;
  for (const double at : chart.ticks) ticks.push_back({at, fmt::format("{:.0f}", at)});
  return ticks;
}

// One, two and five of every power of ten, in mebibytes.
std::vector<Tick> byteTicks(const AccuracyChart& chart) {
  std::vector<Tick> ticks;
  for (double power = 1e-3; power < 1e7; power *= 10)
    for (const double step : {1.0, 2.0, 5.0})
      if (const double mebibytes = power * step, bytes = mebibytes * (1U << 20);
          bytes >= chart.least / 1.25 && bytes <= chart.most * 1.25)
        ticks.push_back({bytes, fmt::format("{:g}", mebibytes)});
  return ticks;
}

nlohmann::json pointOf(const AccuracyPoint& point) {
  nlohmann::json described = describeBranch(point.branch);
  described.update({{"x", point.x},
                    {"kept", point.kept},
                    {"mean", point.mean},
                    {"low", point.interval.low},
                    {"high", point.interval.high},
                    {"records", point.records}});
  return described;
}

// Points with their intervals.
nlohmann::json describePoints(const AccuracyChart& chart, const char* interval) {
  nlohmann::json panels = nlohmann::json::array();
  for (const AccuracyPanel& panel : chart.panels) {
    nlohmann::json lines = nlohmann::json::array();
    for (const AccuracyLine& line : panel.lines) {
      nlohmann::json points = nlohmann::json::array();
      for (const AccuracyPoint& point : line.points) points.push_back(pointOf(point));
      lines.push_back({{"method", line.method}, {"title", line.title}, {"points", std::move(points)}});
    }
    panels.push_back({{"title", panel.title}, {"lines", std::move(lines)}});
    if (panel.full.records > 0) panels.back()["full"] = pointOf(panel.full);
  }
  return {{"interval", interval}, {"panels", std::move(panels)}};
}

// What differs between the figures of scores.
struct Style {
  AccuracyChart (*chart)(const results::ResultsReader&, const FigureSpec&) = accuracyChart;
  const char* x_title = "kept tokens per head";
  const char* interval = "wilson 95 %";
  const char* note = "bars: 95 % Wilson interval, offset sideways";
  bool bytes = false;
};

Values gather(const Style& style, const results::ResultsReader& reader, const FigureSpec& spec) {
  Values values;
  values.facts = resultsFacts(reader, spec.score);
  values.chart = style.chart(reader, spec);
  values.head = startFigure(spec, reader);
  values.head.sidecar["accuracy"] = describePoints(values.chart, style.interval);
  return values;
}

std::string answersNote(const AccuracyChart& chart) {
  std::size_t least = std::numeric_limits<std::size_t>::max(), most = 0;
  for (const AccuracyPanel& panel : chart.panels)
    for (const AccuracyLine& line : panel.lines)
      for (const AccuracyPoint& point : line.points) {
        least = std::min(least, point.records);
        most = std::max(most, point.records);
      }
  if (least == most && most == 1) return "one answer per point";
  if (least == most) return fmt::format("{} answers per point", grouped(most));
  return fmt::format("{} to {} answers per point", grouped(least), grouped(most));
}

Figure draw(const Style& style, const Values& values, const FigureSpec& spec) {
  const AccuracyChart& data = values.chart;
  ensureApplication();
  LineChart chart;
  for (const AccuracyPanel& panel : data.panels) chart.panels.push_back(panelOf(panel, spec.theme));
  chart.legend = legendOf(data, spec.theme);
  chart.x_title = style.x_title;
  chart.y_title = fmt::format("{} (mean)", scoreTitle(values.facts.score));
  constexpr double kBeside = 1.25;  // margin beyond the outermost points
  chart.x_low = data.least / kBeside;
  chart.x_high = data.most * kBeside;
  chart.log_x = true;
  chart.x_ticks = style.bytes ? byteTicks(data) : ticksOf(data);
  if (style.bytes) chart.landmarks.push_back({data.panels.front().full.x, "full"});
  chart.shared_y = true;
  chart.spread = Spread::Whiskers;
  chart.notes = commonNotes(values.facts);
  chart.notes.push_back(answersNote(data));
  chart.notes.emplace_back(style.note);
  return {values.head, drawLineChart(chart, spec)};
}

template <const Style& kStyle>
Values gatherAs(const results::ResultsReader& reader, const FigureSpec& spec) {
  return gather(kStyle, reader, spec);
}
template <const Style& kStyle>
Figure drawAs(const Values& values, const FigureSpec& spec) {
  return draw(kStyle, values, spec);
}

constexpr Style kAccuracy{};
constexpr Style kLongbench{.chart = longbenchChart};
constexpr Style kRuler{.chart = rulerChart, .x_title = "tokens of prompt and answer"};
constexpr Style kTradeoff{.chart = tradeoffChart,
                          .x_title = "keys and values, MiB",
                          .interval = "95 % of the difference to the full cache, paired bootstrap",
                          .note = "bars: 95 %, paired with the full cache",
                          .bytes = true};

}  // namespace

// Score against kept tokens, one line per method, with intervals.
FigureBuilder accuracyFigure() {
  return makeBuilder(gatherAs<kAccuracy>, drawAs<kAccuracy>);
}

// The same for every set of a benchmark.
FigureBuilder longbenchFigure() {
  return makeBuilder(gatherAs<kLongbench>, drawAs<kLongbench>);
}

// Score against length, a panel per task, one line per method and budget.
FigureBuilder rulerFigure() {
  return makeBuilder(gatherAs<kRuler>, drawAs<kRuler>);
}

// The average of the sets against the memory of the cache.
FigureBuilder tradeoffFigure() {
  return makeBuilder(gatherAs<kTradeoff>, drawAs<kTradeoff>);
}

}  // namespace kvatlas::views
