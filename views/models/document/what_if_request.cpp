#include "views/models/document/what_if_request.h"

#include <fmt/format.h>

#include "core/runs/run_header.h"
#include "core/runs/titles.h"

namespace kvatlas::views {
namespace {

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
  record.everything = decision.everything;
  record.cache_bytes =
      runs::cacheBytes(decision.keptTokens(), view->model.head_dim, runs::elementBytes(view->model.compute_dtype));
  return view;
}

}  // namespace kvatlas::views
