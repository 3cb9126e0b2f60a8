// What a needle run's plan may be, and one case of it; knows neither text nor tokens.
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

// UsageError: nothing asked, something asked twice, a depth outside 0 … 100, a needle or template without its parts.
void checkPlan(const PromptPlan& plan);

// The published run: needle, question and template of San Francisco, its ten depths and thirty new tokens.
[[nodiscard]] PromptPlan paperPlan();

}  // namespace kvatlas::evaluation
