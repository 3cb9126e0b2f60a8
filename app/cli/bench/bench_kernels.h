// Benches of single kernels: the probe against matrix multiplication, the tile, the codec, decoding, pooling. Knows the
// kernels and, through the capture library, libtorch's matrix product.
#pragma once

#include "app/cli/bench/bench_tools.h"

namespace kvatlas::app {

void benchProbe(const BenchArguments& arguments);
void benchTile(const BenchArguments& arguments);
void benchCodec(const BenchArguments& arguments);
void benchDecode(const BenchArguments& arguments);
void benchPool(const BenchArguments& arguments);

}  // namespace kvatlas::app
