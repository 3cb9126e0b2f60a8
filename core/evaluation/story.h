// What one case plants and asks, as text: made from the plan and the case alone. Knows no tokenizer.
#pragma once

#include <string>
#include <vector>

#include "core/evaluation/plan.h"
#include "core/evaluation/scores.h"

namespace kvatlas::evaluation {

struct Planted {
  std::string text;  // a sentence
  double depth = 0;  // percent
  std::string span;  // "needle", "other fact", "distractor"
};

struct Story {
  std::vector<Planted> planted;
  std::string question;
  RightAnswer right;
};

// The facts depend on the plan's seed and on length, depth, kind and trial of the case, on nothing else.
[[nodiscard]] Story storyOf(const PromptPlan& plan, const NeedleCase& wanted);

}  // namespace kvatlas::evaluation
