// Why a run keeps a position, worked out from the method table and the parameters the run was recorded with.
#pragma once

#include <optional>
#include <string_view>

#include "core/policy/policy.h"
#include "core/trace/records.h"

namespace kvatlas::views {

// The rule of one run. Empty where this build cannot tell how the run was decided: then a kept position has no reason
// but "kept".
struct KeepRule {
  const policy::Method* method = nullptr;
  policy::Setting setting;
  [[nodiscard]] policy::Reason reason(TokenIndex position, bool kept) const {
    return policy::reasonFor(*method, setting, position, kept);
  }
};

// Parameters that the run lacks are its preset's; empty where the method, a parameter or the budget is unknown.
[[nodiscard]] std::optional<KeepRule> keepRuleOf(const trace::RunHeader& run, const policy::Shape& shape,
                                                 std::uint32_t default_window);

[[nodiscard]] policy::Shape shapeOf(const trace::ModelInfo& model, std::uint64_t tokens);
[[nodiscard]] std::string_view textOf(policy::Reason reason);  // "evicted", "sink", "window", "score", "everything"

}  // namespace kvatlas::views
