#include "core/signals/stored.h"

#include <algorithm>

#include "kernels/log2_codec.h"
#include "kernels/parallel.h"

namespace kvatlas {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 18;

void roundToCodes(float* values, std::size_t count) {
  std::vector<std::uint16_t> codes(count);
  kernels::encodeLog2(values, codes.data(), count);
  kernels::decodeLog2(codes.data(), values, count);
}

}  // namespace

void roundAsStored(SignalValues& values, unsigned threads) {
  for (const SignalInfo& info : signalTable()) {
    std::vector<float>& of_signal = values[info.signal];
    if (info.stored != SignalStored::Log2Code || of_signal.empty()) continue;
    kernels::parallelFor((of_signal.size() + kPiece - 1) / kPiece, threads, [&](std::size_t piece, unsigned) {
      const std::size_t first = piece * kPiece;
      roundToCodes(of_signal.data() + first, std::min(kPiece, of_signal.size() - first));
    });
  }
}

}  // namespace kvatlas
