#include "views/models/figures/figure_sidecar.h"

#include <cmath>

#include "core/base/json_depth.h"
#include "core/base/version.h"

namespace kvatlas::views {
namespace {

using nlohmann::json;

json spansOf(const std::vector<trace::Span>& spans) {
  json list = json::array();
  for (const trace::Span& span : spans) list.push_back({{"name", span.name}, {"begin", span.begin}, {"end", span.end}});
  return list;
}

}  // namespace

json sidecarBase(const FigureSpec& spec) {
  return {{"format", "kvatlas-figure"},
          {"generator", std::string("kvatlas ") + kVersion},
          {"kind", spec.kind},
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
  json parameters = parseOrDiscard(run.header.parameters);
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

json describeBranch(const BranchName& branch) {
  return {{"method", branch.method}, {"label", branch.label}, {"budget", branch.budget}};
}

json numbersOf(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) list.push_back(std::isnan(value) ? json(nullptr) : json(value));
  return list;
}

}  // namespace kvatlas::views
