// Converts the settings that determine a needle run's prompts and scores to and from its settings.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/evaluation/options.h"

namespace kvatlas::evaluation {

struct NeedleValues {
  PromptPlan plan;
  Score score = Score::Exact;
  bool uncut = false;  // answers end at their own end, a line break or the maximum, however long the right one is
};

[[nodiscard]] nlohmann::json needleJson(const NeedleValues& needle);
// Error naming `where` and the missing field.
[[nodiscard]] NeedleValues readNeedleValues(const nlohmann::json& values, const std::string& where);

}  // namespace kvatlas::evaluation
