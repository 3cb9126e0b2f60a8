// Validates the plan of a needle run, and defines one case of it.
#pragma once

#include <string>
#include <vector>

#include "core/evaluation/options.h"

namespace kvatlas::evaluation {

// One prompt of the grid.
struct NeedleCase {
  std::string id;  // "L1024-D30-number-t2"
  std::uint32_t length = 0;
  double depth = 0;  // percent
  NeedleKind kind = NeedleKind::Number;
  std::uint32_t trial = 0;  // from 0
};

// UsageError: an empty or duplicate list entry, a depth outside 0 … 100, an incomplete needle or template.
void checkPlan(const PromptPlan& plan);

// The published run: the San Francisco needle, question and template, and its ten depths.
[[nodiscard]] PromptPlan paperPlan();

}  // namespace kvatlas::evaluation
