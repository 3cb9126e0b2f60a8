#include "views/models/signal_row.h"

#include <algorithm>

namespace kvatlas::views {

std::vector<float> signalRow(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                             trace::Signal signal) {
  std::vector<std::vector<float>> rows;
  for (const HeadIndex head : headsOf(choice, reader.header().model)) {
    std::optional<std::vector<float>> row = reader.signalOfHead(layer, signal, head);
    if (!row) return {};
    rows.push_back(std::move(*row));
  }
  return joinHeads(choice, rows);
}

std::size_t rankOf(const std::vector<float>& values, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count_if(values.begin(), values.end(), [&](float value) { return value > values[at]; }));
}

}  // namespace kvatlas::views
