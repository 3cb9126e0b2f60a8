#include "views/models/document/what_if_signals.h"

#include <array>
#include <optional>
#include <utility>

#include "core/base/error.h"

namespace kvatlas::views {
namespace {

std::optional<trace::Signal> plainSignal(const std::string& name) {
  using trace::Signal;
  static const std::array<std::pair<const char*, Signal>, 5> known = {{{"received", Signal::Received},
                                                                       {"window_sum", Signal::WindowSum},
                                                                       {"entropy", Signal::Entropy},
                                                                       {"key_norm", Signal::KeyNorm},
                                                                       {"value_norm", Signal::ValueNorm}}};
  for (const auto& [text, signal] : known)
    if (name == text) return signal;
  return std::nullopt;
}

[[noreturn]] void failMissing(LayerIndex layer, const std::string& signal) {
  fail("layer {}: the signal '{}' was not recorded", layer.value, signal);
}

// The last `window` of the recorded rows of every head: [query_heads, window, N].
std::vector<float> windowRows(const trace::Reader& reader, LayerIndex layer, std::uint32_t window) {
  const std::size_t tokens = reader.tokens(), recorded = reader.header().attention.window;
  if (window > recorded) fail("the last {} queries are asked for, {} are recorded", window, recorded);
  std::vector<float> all;
  for (std::size_t head = 0; head < reader.header().model.query_heads; ++head) {
    const auto rows = reader.windowRows(layer, HeadIndex(head));
    if (!rows) failMissing(layer, "window_rows");
    all.insert(all.end(), rows->begin() + static_cast<std::ptrdiff_t>((recorded - window) * tokens), rows->end());
  }
  return all;
}

std::vector<float> windowSum(const trace::Reader& reader, LayerIndex layer, std::uint32_t window) {
  const std::size_t tokens = reader.tokens();
  const std::vector<float> rows = windowRows(reader, layer, window);
  std::vector<float> sums;
  for (std::size_t head = 0; head * window * tokens < rows.size(); ++head) {
    for (std::size_t token = 0; token < tokens; ++token) {
      double sum = 0;
      for (std::size_t row = 0; row < window; ++row)
        sum += static_cast<double>(rows[(head * window + row) * tokens + token]);
      sums.push_back(static_cast<float>(sum));
    }
  }
  return sums;
}

}  // namespace

policy::LayerSignals LayerData::view() const {
  policy::LayerSignals signals;
  if (signal == "received") signals.received = values;
  if (signal == "window_sum") signals.window_sum = values;
  if (signal == "entropy") signals.entropy = values;
  if (signal == "key_norm") signals.key_norm = values;
  if (signal == "value_norm") signals.value_norm = values;
  if (signal == "window_rows") signals.window_rows = values;
  return signals;
}

LayerData readLayerData(const trace::Reader& reader, LayerIndex layer, const std::string& signal,
                        std::uint32_t window) {
  if (signal == "window_rows") return {signal, windowRows(reader, layer, window)};
  if (signal == "window_sum" && window < reader.header().attention.window)
    return {signal, windowSum(reader, layer, window)};
  const std::optional<trace::Signal> which = plainSignal(signal);
  std::optional<std::vector<float>> values = which ? reader.signal(layer, *which) : std::nullopt;
  if (!values) failMissing(layer, signal);
  return {signal, std::move(*values)};
}

}  // namespace kvatlas::views
