#include "capture/session/signals/signal_collector.h"

#include <ATen/ops/empty.h>

#include "core/cache/held_signals.h"
#include "core/policy/parameters.h"
#include "core/signals/stored.h"

namespace kvatlas::capture {
namespace {

constexpr std::int64_t kSquaredQueries = 32;

// [query_heads, d] over the last queries.
std::vector<float> meanSquares(const at::Tensor& query) {
  const std::int64_t count = std::min<std::int64_t>(kSquaredQueries, query.size(1));
  const at::Tensor last = query.narrow(1, query.size(1) - count, count).to(at::kFloat);
  const at::Tensor mean = (last * last).mean(1).to(at::kCPU).contiguous();
  return {mean.const_data_ptr<float>(), mean.const_data_ptr<float>() + mean.numel()};
}

// The same attention with tensors of its shapes that hold no memory.
LayerAttention shapeOnly(const LayerAttention& attention) {
  const auto shape = [](const at::Tensor& tensor) {
    return tensor.defined() ? at::empty({1}, tensor.options()).expand(tensor.sizes()) : tensor;
  };
  return {attention.layer, shape(attention.query), shape(attention.key), shape(attention.value), shape(attention.lse)};
}

}  // namespace

StatisticsRequest requestFor(std::span<const policy::MethodRequest> methods, std::size_t window, bool with_last_row) {
  SignalSet needed;
  for (const policy::MethodRequest& request : methods) {
    needed |= request.method->needs;
    if (policy::everyOf(request) > 0) needed |= cache::promptSignals(request.method->needs);
  }
  return {.wanted = needed, .last_row = with_last_row, .window = window};
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
  if (m_keep_squares) m_kept.at(attention.layer.value).query_squares = meanSquares(attention.query);
  const StatisticsRequest request = sink ? m_for_methods.joined(m_for_sink) : m_for_methods;
  InFlight next{attention, beginMeasuring(attention, m_config, request, m_threads, m_progress)};
  if (!m_later && !attention.query.is_cuda()) return receive(next);
  if (!sink || !request.tensors) next.attention = shapeOnly(attention);
  finish();
  m_in_flight.emplace(std::move(next));
}

void SignalCollector::finish() {
  if (m_in_flight) receive(*m_in_flight);
  m_in_flight.reset();
}

void SignalCollector::receive(InFlight& layer) {
  LayerStatistics measured = layer.pending.finish();
  const LayerIndex index = layer.attention.layer;
  Kept& kept = m_kept.at(index.value);
  if (m_for_methods.last_row) {
    const std::size_t tokens = measured.last_row.size() / m_config.query_heads, window = m_config.sliding_window;
    const std::size_t hidden = window > 0 && tokens > window ? tokens - window : 0;
    if (m_keep_top) kept.last_top = topOfPrompt(measured.last_row, m_config.query_heads, hidden, m_threads);
    if (m_keep_row) kept.last_row = std::move(measured.last_row);
  }
  if (sinkWants(index)) m_sink(layer.attention, measured);
  for (const Signal signal : m_for_methods.wanted.members()) kept.values[signal] = std::move(measured.values[signal]);
  roundAsStored(kept.values, m_threads);
}

std::vector<LayerSignals> SignalCollector::signals() const {
  std::vector<LayerSignals> views;
  for (const Kept& kept : m_kept) views.push_back(viewOf(kept.values));
  return views;
}

std::span<const float> SignalCollector::querySquares(LayerIndex layer) const {
  return m_kept.at(layer.value).query_squares;
}

std::span<const float> SignalCollector::lastRow(LayerIndex layer) const {
  return m_kept.at(layer.value).last_row;
}

std::span<const kernels::TopEntry> SignalCollector::lastTop(LayerIndex layer) const {
  return m_kept.at(layer.value).last_top;
}

}  // namespace kvatlas::capture
