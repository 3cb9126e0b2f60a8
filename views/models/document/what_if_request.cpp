#include "views/models/document/what_if_request.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/trace/schema.h"

namespace kvatlas::views {
namespace {

std::string parametersJson(const KeepRule& rule) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, value] : rule.setting.parameters) json[name] = value;
  json["window"] = rule.setting.window;
  json["preset"] = rule.setting.preset == policy::Preset::Paper ? "paper" : "exact";
  return json.dump();
}

trace::RunHeader headerOf(const WhatIfRequest& request, const KeepRule& rule) {
  const bool kv = rule.setting.granularity == policy::Granularity::KvHead;
  trace::RunHeader header;
  header.method = request.method;
  header.label = fmt::format("what if: {} {}", rule.method->title, request.budget);
  header.parameters = parametersJson(rule);
  header.budget = request.budget;
  header.granularity = kv ? trace::schema::kKvHeadGranularity : trace::schema::kQueryHeadGranularity;
  header.budget_nominal = static_cast<double>(rule.setting.budget);
  header.heads = rule.setting.heads();
  return header;
}

std::uint64_t elementBytes(const std::string& dtype) {
  return dtype == "f32" ? 4 : 2;
}

}  // namespace

WhatIfRequest requestOf(const trace::RunHeader& run, std::uint32_t default_window) {
  WhatIfRequest request;
  request.method = run.method;
  request.budget = run.budget;
  request.window = default_window;
  const bool kv = run.granularity == trace::schema::kKvHeadGranularity;
  request.granularity = kv ? policy::Granularity::KvHead : policy::Granularity::QueryHead;
  // Only the parameters are of interest, so any prompt will do that is longer than the budget.
  const policy::Shape shape{1, 1, 1, 1U << 30U};
  trace::RunHeader header = run;
  header.budget = "full";
  if (const auto rule = keepRuleOf(header, shape, default_window)) {
    request.parameters = rule->setting.parameters;
    request.preset = rule->setting.preset;
    request.window = rule->setting.window;
  }
  return request;
}

KeepRule resolve(const WhatIfRequest& request, const policy::Shape& shape) {
  std::string text = request.method;
  for (const auto& [name, value] : request.parameters)
    text += (text == request.method ? ":" : ",") + name + "=" + value;
  const policy::MethodRequest parsed = policy::parseMethod(text);
  return {parsed.method, policy::makeSetting(parsed, shape, policy::parseBudget(request.budget), request.granularity,
                                             request.preset, request.window)};
}

analysis::Redecision redecisionOf(const WhatIfRequest& request, const KeepRule& rule) {
  return {.method = rule.method, .setting = rule.setting, .score = request.score};
}

RunPointer runOf(RunId id, const WhatIfRequest& request, const KeepRule& rule, const policy::Decision& decision,
                 const DocumentIndex& index) {
  auto view = std::make_shared<RunView>();
  view->id = id;
  view->model = index.header.model;
  view->tokens = index.facts.tokens;
  view->rule = rule;
  view->run.index = static_cast<std::size_t>(id);
  view->run.header = headerOf(request, rule);
  view->run.title = fmt::format("{} (what if)", rule.method->title);
  trace::RunRecord& record = view->run.record;
  record.capacity = decision.capacity;
  record.kept_offsets = decision.offsets;
  record.kept_positions = decision.positions;
  record.budget_realised = decision.meanKept();
  record.cache_bytes =
      record.kept_positions.size() * 2 * view->model.head_dim * elementBytes(view->model.compute_dtype);
  return view;
}

}  // namespace kvatlas::views
