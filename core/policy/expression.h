// A score that the user writes: "window_sum * value_norm / (1 + 0.01*age)" over signals and the place of a token.
#pragma once

#include <string>
#include <string_view>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// The signals that an expression names. UsageError naming what is wrong in it: an unknown name, a missing bracket, an
// assignment.
[[nodiscard]] SignalSet signalsOf(std::string_view expression);

// One value per stored head and candidate. Query heads' signals are combined by parameter `group`. UsageError as above.
[[nodiscard]] LayerScores evaluate(std::string_view expression, const Setting& setting, LayerIndex layer,
                                   const LayerSignals& signals);

// The names that an expression may use, signals first.
[[nodiscard]] std::vector<std::string> expressionNames();

inline constexpr std::string_view kExpressionName = "score";

}  // namespace kvatlas::policy
