#include "views/models/document/what_if_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/runs/run_header.h"
#include "core/runs/titles.h"

namespace kvatlas::views {
namespace {

bool readsWindow(std::string_view signal) {
  return signal == "window_sum" || signal == "window_rows";
}

trace::RunHeader headerOf(const WhatIfRequest& request, const KeepRule& rule) {
  const runs::RunSetting asked{.request = {.method = rule.method, .given = request.parameters},
                               .budget = policy::parseBudget(request.budget),
                               .setting = rule.setting,
                               .follow = {}};
  trace::RunHeader header = runs::headerOf(asked, fmt::format("what if: {} {}", rule.method->title, request.budget));
  header.is_full = false;  // never the reference of others
  return header;
}

}  // namespace

WhatIfRequest requestOf(const trace::RunHeader& run, std::uint32_t default_window) {
  const runs::RunRequest recorded = runs::requestOf(run, default_window);
  WhatIfRequest request;
  request.method = run.method;
  request.parameters = recorded.request.given;
  request.budget = run.budget;
  request.granularity = recorded.options.granularity;
  request.preset = recorded.options.preset;
  request.window = recorded.options.window;
  return request;
}

KeepRule resolve(const WhatIfRequest& request, const policy::Shape& shape) {
  const policy::MethodRequest parsed = policy::parseMethod(runs::methodLabel(request.method, request.parameters));
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
  return key + "|" + runs::presetName(rule.setting.preset);
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
  record.everything = decision.everything;
  record.cache_bytes =
      runs::cacheBytes(decision.keptTokens(), view->model.head_dim, runs::elementBytes(view->model.compute_dtype));
  return view;
}

}  // namespace kvatlas::views
