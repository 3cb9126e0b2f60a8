#include "views/models/figures/figure_sidecar.h"

#include <cmath>

#include "core/base/version.h"

namespace kvatlas::views {
namespace {

using nlohmann::json;

// NaN has no JSON number: null.
json numbers(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) list.push_back(std::isnan(value) ? json(nullptr) : json(value));
  return list;
}

json spansOf(const std::vector<trace::Span>& spans) {
  json list = json::array();
  for (const trace::Span& span : spans) list.push_back({{"name", span.name}, {"begin", span.begin}, {"end", span.end}});
  return list;
}

json branchOf(const BranchName& branch) {
  return {{"method", branch.method}, {"label", branch.label}, {"budget", branch.budget}};
}

json pointOf(const AccuracyPoint& point) {
  json described = branchOf(point.branch);
  described.update({{"kept", point.kept},
                    {"mean", point.mean},
                    {"low", point.interval.low},
                    {"high", point.interval.high},
                    {"records", point.records}});
  return described;
}

}  // namespace

json sidecarBase(const FigureSpec& spec) {
  return {{"format", "kvatlas-figure"},
          {"generator", std::string("kvatlas ") + kVersion},
          {"kind", std::string(figureKindName(spec.kind))},
          {"width_inches", spec.width_inches},
          {"dpi", spec.dpi},
          {"theme", spec.theme == Theme::Light ? "light" : "dark"},
          {"title", spec.title}};
}

json describeTrace(const TraceFacts& facts) {
  json model = {{"name", facts.model},
                {"architecture", facts.architecture},
                {"layers", facts.layers},
                {"query_heads", facts.query_heads},
                {"kv_heads", facts.kv_heads},
                {"compute_dtype", facts.compute_dtype},
                {"sliding_window", facts.sliding_window},
                {"weights_fingerprint", facts.weights_fingerprint}};
  return {{"file", facts.file},         {"generator", facts.generator}, {"created", facts.created},
          {"complete", facts.complete}, {"tokens", facts.tokens},       {"prompt_sha256", facts.prompt_sha256},
          {"window", facts.window},     {"model", std::move(model)}};
}

json sidecarOf(const FigureSpec& spec, const TraceFacts& facts) {
  json sidecar = sidecarBase(spec);
  sidecar["spans"] = spec.spans ? spansOf(facts.spans) : json::array();
  sidecar["trace"] = describeTrace(facts);
  return sidecar;
}

json sidecarOf(const FigureSpec& spec, const ResultsFacts& facts, const results::Settings& settings) {
  json sidecar = sidecarBase(spec);
  sidecar["results"] = {{"folder", facts.folder},
                        {"settings_sha256", facts.settings_sha256},
                        {"shard", {{"index", settings.shard().index}, {"count", settings.shard().count}}},
                        {"cases_done", facts.cases_done},
                        {"cases_planned", facts.cases_planned},
                        {"settings", settings.values()}};
  sidecar["score"] = facts.score;
  return sidecar;
}

json describeScale(const FigureSpec& spec) {
  const bool log = spec.scale == ScaleKind::Log;
  return {{"kind", log ? "log" : "linear"},
          {"low", log ? spec.floor : 0.0},
          {"clip", spec.clip},
          {"colour_map", spec.colour_map},
          {"reduction", spec.reduction == trace::Reduction::Mean ? "mean" : "max"}};
}

json describeRun(const ChosenRun& run) {
  json parameters = json::parse(run.header.parameters, nullptr, false);
  if (parameters.is_discarded()) parameters = run.header.parameters;
  return {{"run", run.index},
          {"method", run.header.method},
          {"title", run.title},
          {"label", run.header.label},
          {"parameters", std::move(parameters)},
          {"budget", run.header.budget},
          {"budget_nominal", run.header.budget_nominal},
          {"budget_realised", run.record.budget_realised},
          {"granularity", run.header.granularity},
          {"cache_bytes", run.record.cache_bytes}};
}

json describeMap(const MapPanel& panel) {
  return {{"layer", panel.layer.value},
          {"head", panel.head ? json(panel.head->value) : json("mean")},
          {"cell_tokens", panel.cell},
          {"captured", !panel.grid.missing()}};
}

json describeChart(const LayerChart& chart) {
  json panels = json::array();
  for (const LayerPanel& panel : chart.panels) {
    json lines = json::array();
    for (const LayerSeries& series : panel.series) {
      json line = {{"run", series.run},
                   {"method", series.method},
                   {"title", series.title},
                   {"oracle", series.oracle},
                   {"values", numbers(series.values)}};
      if (!series.low.empty()) line["p10"] = numbers(series.low);
      if (!series.high.empty()) line["p90"] = numbers(series.high);
      lines.push_back(std::move(line));
    }
    panels.push_back({{"budget", panel.budget}, {"budget_nominal", panel.nominal}, {"lines", std::move(lines)}});
  }
  return {{"quantity", chart.quantity}, {"panels", std::move(panels)}};
}

json describeNeedle(const NeedleChart& chart) {
  json panels = json::array();
  for (const NeedlePanel& panel : chart.panels) {
    json rows = json::array();
    for (std::size_t d = 0; d < panel.grid.rows; ++d) {
      std::vector<double> row;
      for (std::size_t l = 0; l < panel.grid.columns; ++l) row.push_back(static_cast<double>(panel.grid.at(d, l)));
      rows.push_back(numbers(row));
    }
    json described = branchOf(panel.branch);
    described.update({{"title", panel.title},
                      {"average", std::isnan(panel.average) ? json(nullptr) : json(panel.average)},
                      {"records", panel.records},
                      {"kept", panel.kept},
                      {"scores", std::move(rows)}});
    panels.push_back(std::move(described));
  }
  return {{"lengths", chart.lengths}, {"depths", chart.depths}, {"panels", std::move(panels)}};
}

json describeAccuracy(const AccuracyChart& chart) {
  json panels = json::array();
  for (const AccuracyPanel& panel : chart.panels) {
    json lines = json::array();
    for (const AccuracyLine& line : panel.lines) {
      json points = json::array();
      for (const AccuracyPoint& point : line.points) points.push_back(pointOf(point));
      lines.push_back({{"method", line.method}, {"title", line.title}, {"points", std::move(points)}});
    }
    panels.push_back({{"title", panel.title}, {"full", pointOf(panel.full)}, {"lines", std::move(lines)}});
  }
  return {{"interval", "wilson 95 %"}, {"panels", std::move(panels)}};
}

json describeTraining(const TrainingLog& log) {
  const auto curve = [](const TrainingCurve& one) { return json{{"tokens", one.tokens}, {"values", one.values}}; };
  json stages = json::array(), accuracy = json::array();
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

}  // namespace kvatlas::views
