#include "views/models/document/what_if_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/trace/schema.h"

namespace kvatlas::views {
namespace {

bool readsWindow(std::string_view signal) {
  return signal == "window_sum" || signal == "window_rows";
}

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

std::string signalOf(const WhatIfRequest& request, const policy::Method& method) {
  return request.score ? request.score->needs : std::string(method.needs);
}

std::string obstacle(const WhatIfRequest& request, const KeepRule& rule, const DocumentIndex& index) {
  const std::string signal = signalOf(request, *rule.method);
  if (signal.empty() || rule.setting.budget >= rule.setting.shape.tokens) return {};
  const auto layers = std::count(index.recorded.begin(), index.recorded.end(), true);
  if (static_cast<std::size_t>(layers) < index.recorded.size())
    return fmt::format("{} needs the signal '{}' of all {} layers; {} of them are recorded.", rule.method->title,
                       signal, index.recorded.size(), layers);
  const std::uint32_t window = index.header.attention.window;
  if (readsWindow(signal) && window == 0)
    return fmt::format("{} needs the signal '{}', which was not recorded (window 0).", rule.method->title, signal);
  if (readsWindow(signal) && rule.setting.window > window)
    return fmt::format("{} with a window of {} needs the attention of the last {} queries; {} are recorded.",
                       rule.method->title, rule.setting.window, rule.setting.window, window);
  return {};
}

std::string scoreKey(const WhatIfRequest& request, const KeepRule& rule) {
  const policy::Method& method = *rule.method;
  // Methods that share a scorer share its ranks, unless they also need the scores themselves.
  std::string key = request.score ? "expression " + request.score->name
                                  : fmt::format("{}", reinterpret_cast<std::uintptr_t>(method.score));
  key += fmt::format("|{}|{}|{}", signalOf(request, method), static_cast<int>(rule.setting.granularity),
                     rule.setting.window);
  if (method.allocate_reads_scores) key += "|" + request.method;
  for (const policy::ParameterSpec& spec : method.parameters)
    if (spec.changes_score) key += fmt::format("|{}={}", spec.name, rule.setting.parameters.find(spec.name)->second);
  return key + (rule.setting.preset == policy::Preset::Paper ? "|paper" : "|exact");
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
