// The size of each run's cache while it decodes.
#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/models/number_text.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/line_chart.h"
#include "views/plots/offscreen.h"

namespace kvatlas::views {
namespace {

struct SizeSeries {
  std::string method, title;
  std::size_t run = 0;
  bool decides_again = false;
  std::vector<double> bytes;  // [steps]
};

struct SizePanel {
  std::string budget;
  std::vector<SizeSeries> series;
};

struct Values {
  FigureHead head;
  std::vector<SizePanel> panels;  // ascending budget
  std::vector<std::string> notes;
  double unit = 1;
  std::string unit_name;
};

// Recorded where a run decides again; else it grows by a token in every list at each step.
std::vector<double> bytesOf(const trace::TraceHeader& header, const trace::RunRecord& record) {
  std::vector<double> bytes(record.step_bytes.begin(), record.step_bytes.end());
  if (!bytes.empty() || record.keptTokens() == 0) return bytes;
  const double token = static_cast<double>(record.cache_bytes) / static_cast<double>(record.keptTokens()) *
                       static_cast<double>(record.capacity.size());
  for (std::size_t step = 0; step < record.decode_ids.size(); ++step)
    bytes.push_back(static_cast<double>(record.cache_bytes) +
                    token * static_cast<double>(header.prompt.question.ids.size() + step));
  return bytes;
}

std::vector<SizePanel> panelsOf(const trace::Reader& reader, const RunChoice& choice) {
  std::vector<SizePanel> panels;
  for (const std::string& budget : choice.budgets) {
    SizePanel& panel = panels.emplace_back(SizePanel{budget, {}});
    for (const ChosenRun& run : choice.runs)
      if (run.header.budget == budget)
        panel.series.push_back(
            {run.header.method, run.title, run.index, run.header.every > 0, bytesOf(reader.header(), run.record)});
  }
  return panels;
}

template <class Take>
void forSeries(const std::vector<SizePanel>& panels, const Take& take) {
  for (const SizePanel& panel : panels)
    for (const SizeSeries& series : panel.series) take(series);
}

// The full cache would flatten all other lines: its size is a note.
std::string noteOfFull(const trace::Reader& reader) {
  const auto full = reader.run(0, trace::RunParts::WithoutPositions);
  if (!full || full->decode_ids.empty()) return {};
  const std::vector<double> bytes = bytesOf(reader.header(), *full);
  return bytes.empty() ? "" : fmt::format("full cache: {:.1f} to {:.1f} MB", bytes.front() / 1e6, bytes.back() / 1e6);
}

nlohmann::json describe(const std::vector<SizePanel>& panels) {
  nlohmann::json all = nlohmann::json::array();
  for (const SizePanel& panel : panels) {
    nlohmann::json lines = nlohmann::json::array();
    for (const SizeSeries& series : panel.series)
      lines.push_back({{"run", series.run},
                       {"method", series.method},
                       {"title", series.title},
                       {"values", numbersOf(series.bytes)}});
    all.push_back({{"budget", panel.budget}, {"lines", std::move(lines)}});
  }
  return {{"quantity", "bytes of the cache at each generated token"}, {"panels", std::move(all)}};
}

Values gather(const Traces& traces, const FigureSpec& spec) {
  const std::vector<RunChoice> choices = chooseRuns(traces, spec.runs, spec.budgets);
  Values values{startFigure(spec, traces, choices), panelsOf(*traces.front(), choices.front()),
                commonNotes(traceFacts(*traces.front())), 1, ""};
  double most = 0;
  std::size_t steps = 0;
  forSeries(values.panels, [&](const SizeSeries& series) {
    steps = std::max(steps, series.bytes.size());
    for (const double bytes : series.bytes) most = std::max(most, bytes);
  });
  if (steps < 2)
    fail("{}: generated fewer than two tokens: there is no size over time", traces.front()->path().string());
  values.unit = most < 2e6 ? 1e3 : most < 2e9 ? 1e6 : 1e9;
  values.unit_name = most < 2e6 ? "kB" : most < 2e9 ? "MB" : "GB";
  if (std::string full = noteOfFull(*traces.front()); !full.empty()) values.notes.push_back(std::move(full));
  const RunChoice& choice = choices.front();
  values.head.warnings.insert(values.head.warnings.end(), choice.warnings.begin(), choice.warnings.end());
  values.head.sidecar["chart"] = describe(values.panels);
  return values;
}

// The method's colour; dashed where the run decides again, to tell it from the same method at the prompt's end.
QPen penOf(const SizeSeries& series, Theme theme) {
  QPen pen = linePen(toColour(methodColour(series.method, theme)));
  if (series.decides_again) pen.setStyle(Qt::DashLine);
  return pen;
}

LinePanel panelOf(const SizePanel& data, double unit, Theme theme) {
  LinePanel panel{.title = fmt::format("budget {}", data.budget), .y_title = {}, .low = 0};
  for (const SizeSeries& series : data.series) {
    LineSeries line;
    line.pen = penOf(series, theme);
    for (std::size_t step = 0; step < series.bytes.size(); ++step) {
      line.x.push_back(static_cast<double>(step));
      line.y.push_back(series.bytes[step] / unit);
      panel.high = std::max(step == 0 && panel.series.empty() ? 0 : panel.high, line.y.back());
    }
    panel.series.push_back(std::move(line));
  }
  panel.high *= 1.1;
  panel.y_ticks = linearTicks(0, panel.high, 6, false);
  return panel;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  ensureApplication();
  LineChart chart;
  double last = 1;
  for (const SizePanel& panel : values.panels) chart.panels.push_back(panelOf(panel, values.unit, spec.theme));
  forSeries(values.panels, [&](const SizeSeries& series) {
    last = std::max(last, static_cast<double>(series.bytes.size()) - 1);
    const auto same = [&](const LegendEntry& entry) { return entry.text == series.title; };
    if (std::ranges::none_of(chart.legend, same)) chart.legend.push_back({series.title, penOf(series, spec.theme), {}});
  });
  chart.x_title = "generated token";
  chart.y_title = fmt::format("cache, {}", values.unit_name);
  chart.x_high = last;
  chart.x_ticks = linearTicks(0, last + 1e-6, 9, true);
  chart.notes = values.notes;
  return {values.head, drawLineChart(chart, spec)};
}

}  // namespace

// Bytes held at each generated token, a line per run and a panel per budget.
FigureBuilder cacheSizeFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
