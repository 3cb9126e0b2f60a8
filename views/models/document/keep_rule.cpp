#include "views/models/document/keep_rule.h"

#include "core/base/error.h"
#include "core/runs/run_header.h"

namespace kvatlas::views {
policy::Shape shapeOf(const trace::ModelInfo& model, std::uint64_t tokens) {
  return {model.layers, model.query_heads, model.kv_heads, static_cast<std::uint32_t>(tokens)};
}

std::optional<KeepRule> keepRuleOf(const trace::RunHeader& run, const policy::Shape& shape,
                                   std::uint32_t default_window) {
  try {
    const runs::RunSetting recorded = runs::settingOf(run, shape, default_window);
    return KeepRule{recorded.request.method, recorded.setting};
  } catch (const Error&) {  // a method, parameter or budget that this build does not know
    return std::nullopt;
  }
}

std::string_view textOf(policy::Reason reason) {
  switch (reason) {
    case policy::Reason::Evicted:
      return "evicted";
    case policy::Reason::Sink:
      return "sink";
    case policy::Reason::Window:
      return "window";
    case policy::Reason::Score:
      return "score";
    case policy::Reason::Everything:
      break;
  }
  return "everything";
}

}  // namespace kvatlas::views
