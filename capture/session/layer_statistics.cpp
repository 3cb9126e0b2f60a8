#include "capture/session/layer_statistics.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "kernels/attention_probe.h"

namespace kvatlas::capture {
namespace {

at::Tensor hostFloat(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.to(at::kCPU, at::kFloat).contiguous() : tensor;
}

kernels::FloatArray values(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kBFloat16) return static_cast<const std::uint16_t*>(tensor.const_data_ptr());
  return tensor.const_data_ptr<float>();
}

// The probe reads f32 and bf16; other types are widened.
at::Tensor readable(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 ? tensor.contiguous() : hostFloat(tensor);
}

kernels::ProbeReport probeOnHost(const kernels::ProbeShape& shape, const LayerAttention& attention,
                                 const kernels::ProbeOutput& output, unsigned threads) {
  const at::Tensor query = readable(attention.query), key = readable(attention.key), lse = hostFloat(attention.lse);
  const kernels::ProbeInput input{
      .query = values(query), .key = values(key), .lse = lse.defined() ? lse.const_data_ptr<float>() : nullptr};
  return kernels::attentionProbe(shape, input, output, threads);
}

at::Tensor rowNorms(const at::Tensor& rows) {  // [heads, N, d] → [heads, N] f32
  return at::linalg_vector_norm(rows.to(at::kFloat), 2, at::IntArrayRef{-1});
}

float* sized(std::vector<float>& values, bool wanted, std::size_t count) {
  if (!wanted) return nullptr;
  values.resize(count);
  return values.data();
}

kernels::ProbeOutput outputOf(const kernels::ProbeShape& shape, const StatisticsRequest& request,
                              LayerStatistics& result) {
  const std::size_t per_token = shape.query_heads * shape.tokens;
  const std::size_t cells = request.map_cell == 0 ? 0 : (shape.tokens + request.map_cell - 1) / request.map_cell;
  const std::size_t map = shape.query_heads * cells * cells;
  return {.lse = sized(result.lse, request.lse, per_token),
          .entropy = sized(result.entropy, request.entropy, per_token),
          .received = sized(result.received, request.received, per_token),
          .window_sum = sized(result.window_sum, request.window_sum, per_token),
          .window_rows = sized(result.window_rows, request.window_rows, per_token * request.window),
          .map_mean = sized(result.map_mean, cells > 0, map),
          .map_max = sized(result.map_max, cells > 0, map),
          .cell = request.map_cell};
}

PendingProbe probeOnDevice(const kernels::ProbeShape& shape, const LayerAttention& attention,
                           const StatisticsRequest& request, LayerStatistics& result, Progress* progress) {
  const kernels::CudaLibrary& library = cudaKernels();
  const KvatlasProbePath path = checkedProbePath(library, attention.query, [&](const std::string& text) {
    if (progress != nullptr) progress->warn(text);
  });
  const auto wanted = [](std::vector<float>& values, bool yes) { return yes ? &values : nullptr; };
  const bool maps = request.map_cell > 0;
  const ProbeArrays arrays{.lse = wanted(result.lse, request.lse),
                           .entropy = wanted(result.entropy, request.entropy),
                           .received = wanted(result.received, request.received),
                           .window_sum = wanted(result.window_sum, request.window_sum),
                           .window_rows = wanted(result.window_rows, request.window_rows),
                           .map_mean = wanted(result.map_mean, maps),
                           .map_max = wanted(result.map_max, maps),
                           .cell = request.map_cell};
  return beginProbe(library, shape, attention.query, attention.key, attention.lse, arrays, path);
}

}  // namespace

StatisticsRequest StatisticsRequest::joined(const StatisticsRequest& other) const {
  return {.entropy = entropy || other.entropy,
          .received = received || other.received,
          .window_sum = window_sum || other.window_sum,
          .window_rows = window_rows || other.window_rows,
          .norms = norms || other.norms,
          .lse = lse || other.lse,
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
                                  .window = request.window,
                                  .sliding_window = config.sliding_window,
                                  .scale = 1.0F / std::sqrt(static_cast<float>(config.head_dim))};
  PendingLayer pending;
  pending.m_statistics = std::make_unique<LayerStatistics>();
  LayerStatistics& result = *pending.m_statistics;
  result.layer = attention.layer;
  if (attention.query.is_cuda())
    pending.m_probe.emplace(probeOnDevice(shape, attention, request, result, progress));
  else
    pending.m_report = probeOnHost(shape, attention, outputOf(shape, request, result), threads);
  if (request.norms) {
    pending.m_norms.emplace();
    pending.m_norms->add(rowNorms(attention.key), result.key_norm);
    pending.m_norms->add(rowNorms(attention.value), result.value_norm);
    pending.m_norms->start();
  }
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
