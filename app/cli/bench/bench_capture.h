// Benches of whole captures as child processes: against plain prefill, against the prompt's length. Knows commands
// only.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

void benchCapture(const BenchArguments& arguments);
void benchGrowth(const BenchArguments& arguments);
void benchNeedle(const BenchArguments& arguments);
void benchBranches(const BenchArguments& arguments);
void benchMemory(const BenchArguments& arguments);
void benchStart(const BenchArguments& arguments);
void benchOpen(const BenchArguments& arguments);

}  // namespace kvatlas::app
