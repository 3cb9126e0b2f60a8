// The bench of a CUDA device by the capture library; knows no libtorch.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

// Prints a table; Error in one sentence where there is no device.
void benchGpu(const BenchArguments& arguments);

}  // namespace kvatlas::app
