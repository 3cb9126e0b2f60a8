// What decides the prompts and scores of a needle run, as the values of its settings.json, and back.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/evaluation/options.h"

namespace kvatlas::evaluation {

struct NeedleValues {
  PromptPlan plan;
  Score score = Score::Exact;
};

[[nodiscard]] nlohmann::json needleJson(const NeedleValues& needle);
// Error naming `where` and what is missing.
[[nodiscard]] NeedleValues readNeedleValues(const nlohmann::json& values, const std::string& where);

}  // namespace kvatlas::evaluation
