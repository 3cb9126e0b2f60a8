#include "views/models/document/keep_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/policy/parts.h"
#include "core/runs/run_header.h"

namespace kvatlas::views {
namespace {

// What the part of this name does, with the window's length for W.
template <class Part>
std::string meaningOf(std::span<const Part> parts, std::string_view name, std::uint32_t window) {
  const auto part = std::ranges::find(parts, name, &Part::name);
  if (part == parts.end()) fail("no part of a method is called '{}'", name);
  std::string text(part->meaning);
  if (const auto at = text.find(" W "); at != std::string::npos) text.replace(at, 3, fmt::format(" {} ", window));
  return text;
}

}  // namespace

std::string ruleText(const KeepRule& rule) {
  const policy::PartNames& parts = rule.method->parts;
  const std::uint32_t window = rule.setting.window;
  std::string text = fmt::format("Keeps {}.", meaningOf(policy::selectParts(), parts.select, window));
  if (parts.score == "none") return text + " Positions alone decide.";
  return text + fmt::format(" Score: {}. Budget: {}.", meaningOf(policy::scoreParts(), parts.score, window),
                            meaningOf(policy::allocateParts(), parts.allocate, window));
}

policy::Shape shapeOf(const trace::ModelInfo& model, std::uint64_t tokens) {
  return {model.layers, model.query_heads, model.kv_heads, static_cast<std::uint32_t>(tokens)};
}

std::optional<KeepRule> keepRuleOf(const trace::RunHeader& run, const policy::Shape& shape,
                                   std::uint32_t default_window) {
  try {
    const runs::RunSetting recorded = runs::settingOf(run, shape, default_window);
    return KeepRule{recorded.request.method, recorded.setting};
  } catch (const Error&) {  // unknown method, parameter or budget
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
