// Benchmarks whole captures in child processes: against plain prefill, and by prompt length.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

void benchCapture(const BenchArguments& arguments);
void benchGrowth(const BenchArguments& arguments);
void benchNeedle(const BenchArguments& arguments);
void benchBranches(const BenchArguments& arguments);
void benchMethods(const BenchArguments& arguments);
void benchMemory(const BenchArguments& arguments);
void benchStart(const BenchArguments& arguments);
void benchOpen(const BenchArguments& arguments);

}  // namespace kvatlas::app
