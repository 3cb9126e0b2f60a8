#include "views/models/map/signal_row.h"

#include <algorithm>

namespace kvatlas::views {
namespace {

// row(head) → optional values; empty if one of them is missing.
template <class Row>
std::vector<float> joinedRows(const trace::Reader& reader, const HeadChoice& choice, const Row& row) {
  std::vector<std::vector<float>> rows;
  for (const HeadIndex head : headsOf(choice, reader.header().model)) {
    std::optional<std::vector<float>> values = row(head);
    if (!values) return {};
    rows.push_back(std::move(*values));
  }
  return joinHeads(choice, rows);
}

}  // namespace

std::vector<float> signalRow(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                             trace::Signal signal) {
  return joinedRows(reader, choice, [&](HeadIndex head) { return reader.signalOfHead(layer, signal, head); });
}

std::optional<float> signalAt(const trace::Reader& reader, LayerIndex layer, const HeadChoice& choice,
                              trace::Signal signal, TokenIndex token) {
  const std::vector<float> one =
      joinedRows(reader, choice, [&](HeadIndex head) { return reader.signalOfHead(layer, signal, head, token, 1); });
  return one.empty() ? std::nullopt : std::optional(one.front());
}

std::size_t rankOf(const std::vector<float>& values, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count_if(values.begin(), values.end(), [&](float value) { return value > values[at]; }));
}

}  // namespace kvatlas::views
