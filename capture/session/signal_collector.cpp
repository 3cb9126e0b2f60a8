#include "capture/session/signal_collector.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace kvatlas::capture {
namespace {

bool needs(std::span<const policy::MethodRequest> methods, std::string_view signal) {
  return std::ranges::any_of(
      methods, [&](const auto& request) { return request.method->needs.find(signal) != std::string_view::npos; });
}

// Row W−1 of every head: [heads, W, N] → [heads, N].
std::vector<float> lastRows(const std::vector<float>& window_rows, std::size_t heads, std::size_t window) {
  const std::size_t tokens = window_rows.size() / (heads * window);
  std::vector<float> rows(heads * tokens);
  for (std::size_t head = 0; head < heads; ++head)
    std::copy_n(window_rows.begin() + static_cast<std::ptrdiff_t>((head * window + window - 1) * tokens), tokens,
                rows.begin() + static_cast<std::ptrdiff_t>(head * tokens));
  return rows;
}

// The same attention with tensors that have its shapes and no memory.
LayerAttention shapeOnly(const LayerAttention& attention) {
  const auto shape = [](const at::Tensor& tensor) {
    return tensor.defined() ? at::empty({1}, tensor.options()).expand(tensor.sizes()) : tensor;
  };
  return {attention.layer, shape(attention.query), shape(attention.key), shape(attention.value), shape(attention.lse)};
}

void dropUnless(bool wanted, std::vector<float>& values) {
  if (!wanted) std::vector<float>().swap(values);
}

}  // namespace

StatisticsRequest requestFor(std::span<const policy::MethodRequest> methods, std::size_t window, bool with_last_row) {
  return {.entropy = needs(methods, "entropy"),
          .received = needs(methods, "received"),
          .window_sum = needs(methods, "window_sum"),
          .window_rows = with_last_row || needs(methods, "window_rows"),
          .norms = needs(methods, "norm"),
          .window = window};
}

SignalCollector::SignalCollector(const ModelConfig& config, const StatisticsRequest& for_methods, unsigned threads)
    : m_config(config), m_for_methods(for_methods), m_threads(threads), m_kept(config.layers) {}

void SignalCollector::setSink(LayerSink sink, const StatisticsRequest& request, std::vector<bool> wanted_layers) {
  m_sink = std::move(sink);
  m_for_sink = request;
  m_sink_layers = std::move(wanted_layers);
}

bool SignalCollector::sinkWants(LayerIndex layer) const {
  return m_sink && layer.value < m_sink_layers.size() && m_sink_layers[layer.value];
}

void SignalCollector::onAttention(const LayerAttention& attention) {
  const bool sink = sinkWants(attention.layer);
  const StatisticsRequest request = sink ? m_for_methods.joined(m_for_sink) : m_for_methods;
  Underway next{attention, beginMeasuring(attention, m_config, request, m_threads, m_progress), request.window};
  if (!m_later && !attention.query.is_cuda()) return receive(next);
  if (!sink || !request.tensors) next.attention = shapeOnly(attention);
  finish();
  m_underway.emplace(std::move(next));
}

void SignalCollector::finish() {
  if (m_underway) receive(*m_underway);
  m_underway.reset();
}

void SignalCollector::receive(Underway& layer) {
  LayerStatistics measured = layer.pending.finish();
  const LayerIndex index = layer.attention.layer;
  Kept& kept = m_kept.at(index.value);
  if (m_for_methods.window_rows) kept.last_row = lastRows(measured.window_rows, m_config.query_heads, layer.window);
  if (sinkWants(index)) m_sink(layer.attention, measured);
  kept.statistics = std::move(measured);
  dropUnless(m_for_methods.entropy, kept.statistics.entropy);
  dropUnless(m_for_methods.received, kept.statistics.received);
  dropUnless(m_for_methods.window_sum, kept.statistics.window_sum);
  dropUnless(m_for_methods.norms, kept.statistics.key_norm);
  dropUnless(m_for_methods.norms, kept.statistics.value_norm);
  for (auto* unused :
       {&kept.statistics.lse, &kept.statistics.window_rows, &kept.statistics.map_mean, &kept.statistics.map_max})
    dropUnless(false, *unused);
}

std::vector<policy::LayerSignals> SignalCollector::signals() const {
  std::vector<policy::LayerSignals> views;
  for (const Kept& kept : m_kept)
    views.push_back({.received = kept.statistics.received,
                     .window_sum = kept.statistics.window_sum,
                     .entropy = kept.statistics.entropy,
                     .key_norm = kept.statistics.key_norm,
                     .value_norm = kept.statistics.value_norm,
                     .window_rows = {}});
  return views;
}

std::span<const float> SignalCollector::lastRow(LayerIndex layer) const {
  return m_kept.at(layer.value).last_row;
}

}  // namespace kvatlas::capture
