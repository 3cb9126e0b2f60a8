// Benchmarks a CUDA device through the capture library; must not know libtorch.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

// Prints a table. Error when there is no device.
void benchGpu(const BenchArguments& arguments);

}  // namespace kvatlas::app
