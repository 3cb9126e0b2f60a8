#include "capture/recorder/layer_encoder.h"

#include <algorithm>

#include "core/trace/map_pyramid.h"
#include "core/trace/signal_codec.h"

namespace kvatlas::capture {
namespace {

using Codes = std::vector<std::uint16_t>;

Codes bf16Bits(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kBFloat16).contiguous();
  const auto* bits = reinterpret_cast<const std::uint16_t*>(host.const_data_ptr());
  return {bits, bits + host.numel()};
}

}  // namespace

trace::LayerRecord encodeLayer(const LayerAttention& attention, const LayerStatistics& statistics,
                               const ModelConfig& config, const trace::AttentionPlan& plan, unsigned threads) {
  trace::LayerRecord record{.layer = statistics.layer};
  trace::encodeSignals(statistics.values, record, threads);
  const std::size_t heads = config.query_heads;
  const trace::PyramidShape shape{.heads = heads,
                                  .tokens = static_cast<std::size_t>(attention.query.size(1)),
                                  .sliding_window = config.sliding_window,
                                  .cells = plan.cells};
  record.map_mean = trace::encodePyramid(statistics.map_mean, shape, trace::Reduction::Mean, threads);
  record.map_max = trace::encodePyramid(statistics.map_max, shape, trace::Reduction::Max, threads);
  if (std::ranges::binary_search(plan.qk_layers, statistics.layer)) {
    record.query = bf16Bits(attention.query);
    record.key = bf16Bits(attention.key);
  }
  return record;
}

}  // namespace kvatlas::capture
