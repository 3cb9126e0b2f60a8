// `kvatlas bench prefill` and `bench decode-step`: parts of a model's work on the host against the machine's limits.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

void benchPrefill(const BenchArguments& arguments);
void benchDecodeStep(const BenchArguments& arguments);

}  // namespace kvatlas::app
