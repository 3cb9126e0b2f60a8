// Benchmarks of single kernels: the probe against matrix multiplication, tiles, the codec, decoding, pooling.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

void benchProbe(const BenchArguments& arguments);
void benchTile(const BenchArguments& arguments);
void benchCodec(const BenchArguments& arguments);
void benchDecode(const BenchArguments& arguments);
void benchPool(const BenchArguments& arguments);

}  // namespace kvatlas::app
