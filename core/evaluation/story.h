// The text that one case plants and asks, from the plan and the case alone.
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

// The facts depend only on the plan's seed and on length, depth, kind and trial of the case.
[[nodiscard]] Story storyOf(const PromptPlan& plan, const NeedleCase& wanted);

}  // namespace kvatlas::evaluation
