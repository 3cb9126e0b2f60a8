// `kvatlas bench what-if`: how fast a decision follows while the user drags the budget.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

// Prints the time to rank random scores once and the times of decisions over 101 budgets, per method, at
// arguments.tokens.
void benchWhatIf(const BenchArguments& arguments);

}  // namespace kvatlas::app
