// Why a run keeps a position, derived from the method table and the run's recorded parameters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/policy/policy.h"
#include "core/trace/records.h"

namespace kvatlas::views {

// The decision rule of one run. Without one (unknown method or parameters) a kept position has no reason
// except "kept".
struct KeepRule {
  const policy::Method* method = nullptr;
  policy::Setting setting;
  [[nodiscard]] policy::Reason reason(TokenIndex position, bool kept) const {
    return policy::reasonFor(*method, setting, position, kept);
  }
};

// Missing parameters default to the preset's. Empty if the method, a parameter or the budget is unknown.
[[nodiscard]] std::optional<KeepRule> keepRuleOf(const trace::RunHeader& run, const policy::Shape& shape,
                                                 std::uint32_t default_window);

// What a rule keeps, in sentences: "Keeps the best scores, and the last 8 tokens. Score: …. Budget: …."
[[nodiscard]] std::string ruleText(const KeepRule& rule);

[[nodiscard]] policy::Shape shapeOf(const trace::ModelInfo& model, std::uint64_t tokens);
[[nodiscard]] std::string_view textOf(policy::Reason reason);  // "evicted", "sink", "window", "score", "everything"

}  // namespace kvatlas::views
