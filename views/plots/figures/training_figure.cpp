#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "views/models/figures/figure_sidecar.h"
#include "views/models/number_text.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/line_chart.h"
#include "views/plots/offscreen.h"

namespace kvatlas::views {
namespace {

struct Values {
  FigureHead head;
  TrainingCurves log;
};

// Numbers of tokens in the unit that keeps them short.
struct TokenUnit {
  double size = 1;
  const char* title = "tokens seen";
};

TokenUnit unitOf(double tokens) {
  if (tokens >= 2e9) return {1e9, "tokens seen (billions)"};
  if (tokens >= 2e6) return {1e6, "tokens seen (millions)"};
  if (tokens >= 2e3) return {1e3, "tokens seen (thousands)"};
  return {};
}

LineSeries seriesOf(const MeasuredCurve& curve, const TokenUnit& unit, const QPen& pen) {
  LineSeries series;
  for (const double tokens : curve.tokens) series.x.push_back(tokens / unit.size);
  series.y = curve.values;
  series.pen = pen;
  return series;
}

// The first few steps, far above the rest, would press everything else flat.
void setLossRange(LinePanel& panel, const TrainingCurves& log) {
  constexpr double kStart = 0.02;
  double low = 0, high = 0;
  bool any = false;
  for (const MeasuredCurve* curve : {&log.text_loss, &log.held_out})
    for (std::size_t i = 0; i < curve->values.size(); ++i) {
      if (curve->tokens[i] < kStart * log.last_tokens && curve->tokens[i] < curve->tokens.back()) continue;
      low = any ? std::min(low, curve->values[i]) : curve->values[i];
      high = any ? std::max(high, curve->values[i]) : curve->values[i];
      any = true;
    }
  const double room = std::max(0.06 * (high - low), 1e-3 * std::max(1.0, std::abs(high)));
  panel.low = low - room;
  panel.high = high + room;
  panel.y_ticks = linearTicks(panel.low, panel.high, 6);
}

void addLosses(LineChart& chart, const TrainingCurves& log, const TokenUnit& unit, Theme theme) {
  if (log.text_loss.values.empty() && log.held_out.values.empty()) return;
  LinePanel panel{.title = {}, .y_title = "loss"};
  setLossRange(panel, log);
  const QPen text = linePen(toColour(themeColours(theme).muted), 0.7);
  const QPen held_out = linePen(toColour(methodColour("pyramidkv")));
  if (!log.text_loss.values.empty()) {
    panel.series.push_back(seriesOf(log.text_loss, unit, text));
    panel.series.back().background = true;
    chart.legend.push_back({"training text (nats per token)", text, {}});
  }
  if (!log.held_out.values.empty()) {
    panel.series.push_back(seriesOf(log.held_out, unit, held_out));
    chart.legend.push_back({"held-out text (bits per byte)", held_out, {}});
  }
  chart.panels.push_back(std::move(panel));
}

// One hue from pale to strong, longer contexts stronger; away from the paper in both themes.
QColor lengthColour(std::size_t index, std::size_t count, Theme theme) {
  const Rgb near = theme == Theme::Light ? rgb(0x9ECAE1) : rgb(0x2B5F8C);
  const Rgb far = theme == Theme::Light ? rgb(0x08306B) : rgb(0xD6E8FA);
  return toColour(mix(near, far, count < 2 ? 1 : static_cast<double>(index) / static_cast<double>(count - 1)));
}

void addAccuracy(LineChart& chart, const TrainingCurves& log, const TokenUnit& unit, Theme theme) {
  if (log.accuracy.empty()) return;
  constexpr double kMargin = 0.04;
  LinePanel panel{.title = {}, .y_title = "retrieval accuracy", .low = -kMargin, .high = 1 + kMargin};
  panel.y_ticks = linearTicks(0, 1, 6);
  for (std::size_t i = 0; i < log.accuracy.size(); ++i) {
    const auto& [length, curve] = log.accuracy[i];
    const QPen pen = linePen(lengthColour(i, log.accuracy.size(), theme), 1);
    panel.series.push_back(seriesOf(curve, unit, pen));
    chart.legend.push_back({fmt::format("{} tokens", grouped(length)), pen, {}});
  }
  chart.panels.push_back(std::move(panel));
}

// File, stages, curves.
nlohmann::json describeCurves(const TrainingCurves& log) {
  const auto curve = [](const MeasuredCurve& one) {
    return nlohmann::json{{"tokens", one.tokens}, {"values", one.values}};
  };
  nlohmann::json stages = nlohmann::json::array(), accuracy = nlohmann::json::array();
  for (const TrainingStage& stage : log.stages) stages.push_back({{"name", stage.name}, {"tokens", stage.tokens}});
  for (const auto& [length, one] : log.accuracy) {
    accuracy.push_back(curve(one));
    accuracy.back()["length"] = length;
  }
  return {{"file", log.file},
          {"rows", log.rows},
          {"tokens", log.last_tokens},
          {"stages", std::move(stages)},
          {"loss_text", curve(log.text_loss)},
          {"heldout_bits_per_byte", curve(log.held_out)},
          {"accuracy", std::move(accuracy)}};
}

Values gather(const TrainingCurves& log, const FigureSpec& spec) {
  Values values{{sidecarBase(spec), log.warnings, spec.title.empty() ? "training of " + log.file : spec.title, {}},
                log};
  values.head.sidecar["training"] = describeCurves(log);
  return values;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const TrainingCurves& log = values.log;
  ensureApplication();
  const TokenUnit unit = unitOf(log.last_tokens);
  LineChart chart;
  addLosses(chart, log, unit, spec.theme);
  addAccuracy(chart, log, unit, spec.theme);
  chart.x_title = unit.title;
  chart.x_high = std::max(log.last_tokens / unit.size, 1e-9);
  chart.x_ticks = linearTicks(0, chart.x_high, 8);
  for (const TrainingStage& stage : log.stages) chart.landmarks.push_back({stage.tokens / unit.size, stage.name});
  chart.notes = {log.file, fmt::format("{} tokens", grouped(static_cast<std::uint64_t>(log.last_tokens)))};
  return {values.head, drawLineChart(chart, spec)};
}

}  // namespace

// Losses and retrieval accuracy over the tokens seen, two stacked panels.
FigureBuilder trainingFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
