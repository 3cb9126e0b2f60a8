#include "core/trace/signal_codec.h"

#include <algorithm>

#include "core/trace/map_pyramid.h"

namespace kvatlas::trace {
namespace {

// Pieces that are encoded in parallel; how many does not change a code.
constexpr std::size_t kPiece = std::size_t{1} << 20;

std::vector<std::uint16_t> encode(const std::vector<float>& values, unsigned threads) {
  std::size_t pieces = std::max<std::size_t>(values.size() / kPiece, 1);
  while (values.size() % pieces != 0) --pieces;
  return encodeRows(values, pieces, threads);
}

}  // namespace

void encodeSignals(const SignalValues& values, LayerRecord& record, unsigned threads) {
  for (const SignalInfo& info : signalTable()) {
    if (info.stored == SignalStored::F32)
      record.values[info.signal] = values[info.signal];
    else
      record.codes[info.signal] = encode(values[info.signal], threads);
  }
}

}  // namespace kvatlas::trace
