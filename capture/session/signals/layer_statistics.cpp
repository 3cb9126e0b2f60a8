#include "capture/session/signals/layer_statistics.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>

#include "capture/model/host_values.h"
#include "capture/session/signals/layer_signals.h"
#include "core/base/error.h"
#include "core/signals/probe_output.h"
#include "kernels/attention_probe.h"

namespace kvatlas::capture {
namespace {

at::Tensor hostFloat(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.to(at::kCPU, at::kFloat).contiguous() : tensor;
}

// The probe reads f32 and bf16; other types are widened.
at::Tensor toProbeType(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 ? tensor.contiguous() : hostFloat(tensor);
}

kernels::ProbeReport probeOnHost(const kernels::ProbeShape& shape, const LayerAttention& attention,
                                 const kernels::ProbeOutput& output, unsigned threads) {
  const at::Tensor query = toProbeType(attention.query), key = toProbeType(attention.key),
                   lse = hostFloat(attention.lse);
  const kernels::ProbeInput input{
      .query = hostValues(query), .key = hostValues(key), .lse = lse.defined() ? lse.const_data_ptr<float>() : nullptr};
  return kernels::attentionProbe(shape, input, output, threads);
}

// Row W−1 of every head: [heads, W, N] → [heads, N].
std::vector<float> lastRows(const std::vector<float>& window_rows, const kernels::ProbeShape& shape) {
  std::vector<float> rows(shape.query_heads * shape.tokens);
  for (std::size_t head = 0; head < shape.query_heads; ++head)
    std::copy_n(
        window_rows.begin() + static_cast<std::ptrdiff_t>((head * shape.window + shape.window - 1) * shape.tokens),
        shape.tokens, rows.begin() + static_cast<std::ptrdiff_t>(head * shape.tokens));
  return rows;
}

at::Tensor rowNorms(const at::Tensor& rows) {  // [heads, N, d] → [heads, N] f32
  return at::linalg_vector_norm(rows.to(at::kFloat), 2, at::IntArrayRef{-1});
}

// Pointers to the arrays that a probe fills, as kernels::ProbeOutput; null: not computed.
ProbeArrays arraysFor(const StatisticsRequest& request, LayerStatistics& result) {
  ProbeArrays arrays;
  for (const Signal signal : request.wanted.members())
    if (auto* const field = probeField(arrays, signal)) *field = &result.values[signal];
  if (request.last_row) arrays.last_row = &result.last_row;
  if (request.map_cell > 0) {
    arrays.map_mean = &result.map_mean;
    arrays.map_max = &result.map_max;
    arrays.cell = request.map_cell;
  }
  return arrays;
}

// The same on the host, where the arrays are sized first.
kernels::ProbeOutput sizedOutput(const kernels::ProbeShape& shape, const ProbeArrays& arrays) {
  kernels::ProbeOutput output{.cell = arrays.cell};
  const auto sized = [](std::vector<float>* values, std::size_t count) -> float* {
    if (values == nullptr) return nullptr;
    values->resize(count);
    return values->data();
  };
  for (const SignalInfo& info : signalTable())
    if (auto* const field = probeField(output, info.signal))
      *field = sized(*probeField(arrays, info.signal), valueCount(info, signalShape(shape)));
  const std::size_t cells = arrays.cell == 0 ? 0 : (shape.tokens + arrays.cell - 1) / arrays.cell;
  output.map_mean = sized(arrays.map_mean, shape.query_heads * cells * cells);
  output.map_max = sized(arrays.map_max, shape.query_heads * cells * cells);
  return output;
}

kernels::ProbeReport measureOnHost(const kernels::ProbeShape& shape, const LayerAttention& attention,
                                   ProbeArrays arrays, unsigned threads) {
  std::vector<float> window_rows;  // where only the last one is wanted
  if (arrays.last_row != nullptr && arrays.window_rows == nullptr) arrays.window_rows = &window_rows;
  const kernels::ProbeReport report = probeOnHost(shape, attention, sizedOutput(shape, arrays), threads);
  if (arrays.last_row != nullptr && shape.window == 1 && arrays.window_rows == &window_rows)
    *arrays.last_row = std::move(window_rows);
  else if (arrays.last_row != nullptr)
    *arrays.last_row = lastRows(*arrays.window_rows, shape);
  return report;
}

PendingProbe probeOnDevice(const kernels::ProbeShape& shape, const LayerAttention& attention,
                           const StatisticsRequest& request, LayerStatistics& result, Progress* progress) {
  const kernels::CudaLibrary& library = cudaKernels();
  const KvatlasProbePath path = checkedProbePath(library, attention.query, [&](const std::string& text) {
    if (progress != nullptr) progress->warn(text);
  });
  return beginProbe(library, shape, attention.query, attention.key, attention.lse, arraysFor(request, result), path);
}

// Maps each norm signal to its tensor.
void addNorms(const LayerAttention& attention, SignalSet wanted, LayerStatistics& result, DeviceCopies& copies) {
  for (const auto& [signal, tensor] :
       {std::pair(Signal::KeyNorm, &attention.key), std::pair(Signal::ValueNorm, &attention.value)})
    if (wanted.contains(signal)) copies.add(rowNorms(*tensor), result.values[signal]);
}

}  // namespace

std::size_t StatisticsRequest::measuredWindow() const {
  const bool rows = wanted.contains(Signal::WindowRows) || wanted.contains(Signal::WindowSum);
  return last_row && !rows ? 1 : window;
}

StatisticsRequest StatisticsRequest::joined(const StatisticsRequest& other) const {
  return {.wanted = wanted | other.wanted,
          .parameters = parameters.empty() ? other.parameters : parameters,
          .last_row = last_row || other.last_row,
          .map_cell = std::max(map_cell, other.map_cell),
          .window = std::max(window, other.window),
          .tensors = other.tensors};
}

PendingLayer beginMeasuring(const LayerAttention& attention, const ModelConfig& config,
                            const StatisticsRequest& request, unsigned threads, Progress* progress) {
  const auto tokens = static_cast<std::size_t>(attention.query.size(1));
  const kernels::ProbeShape shape{.query_heads = config.query_heads,
                                  .kv_heads = config.kv_heads,
                                  .tokens = tokens,
                                  .head_dim = config.head_dim,
                                  .window = request.measuredWindow(),
                                  .sliding_window = config.sliding_window,
                                  .scale = 1.0F / std::sqrt(static_cast<float>(config.head_dim))};
  PendingLayer pending;
  pending.m_statistics = std::make_unique<LayerStatistics>();
  LayerStatistics& result = *pending.m_statistics;
  result.layer = attention.layer;
  if (attention.query.is_cuda())
    pending.m_probe.emplace(probeOnDevice(shape, attention, request, result, progress));
  else
    pending.m_report = measureOnHost(shape, attention, arraysFor(request, result), threads);
  pending.m_norms.emplace();
  addNorms(attention, request.wanted, result, *pending.m_norms);
  for (const Signal signal : request.wanted.members())
    if (infoOf(signal).source == SignalSource::Layer)
      pending.m_norms->add(layerSignal(signal, attention, config, request.parameters), result.values[signal]);
  pending.m_norms->start();
  return pending;
}

LayerStatistics PendingLayer::finish() {
  if (m_probe) m_report = m_probe->finish();
  if (!m_report.ok())
    fail("the attention of layer {}, head {} is not finite at query {}: the weights or the compute type overflow",
         m_statistics->layer.value, m_report.bad_head, m_report.bad_query);
  if (m_norms) m_norms->finish();
  return std::move(*m_statistics);
}

LayerStatistics measureLayer(const LayerAttention& attention, const ModelConfig& config,
                             const StatisticsRequest& request, unsigned threads) {
  return beginMeasuring(attention, config, request, threads).finish();
}

}  // namespace kvatlas::capture
