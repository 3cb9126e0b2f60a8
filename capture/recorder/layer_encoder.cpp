#include "capture/recorder/layer_encoder.h"

#include <algorithm>

#include "kernels/log2_codec.h"
#include "kernels/map_pool.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {
namespace {

using Codes = std::vector<std::uint16_t>;
using Coarsen = void (*)(const kernels::MapGeometry&, const float*, float*);

Codes encode(const std::vector<float>& probabilities, std::size_t rows, unsigned threads) {
  Codes codes(probabilities.size());
  if (rows == 0) return codes;
  const std::size_t row = probabilities.size() / rows;
  kernels::parallelFor(rows, threads, [&](std::size_t i, unsigned) {
    kernels::encodeLog2(probabilities.data() + i * row, codes.data() + i * row, row);
  });
  return codes;
}

// Every level of one reduction, each coarsened from the exact values of the finer one.
std::vector<Codes> encodePyramid(std::vector<float> level, std::size_t heads, std::size_t tokens,
                                 const ModelConfig& config, const std::vector<std::uint64_t>& cells, Coarsen coarsen,
                                 unsigned threads) {
  std::vector<Codes> pyramid;
  for (std::size_t k = 0; k < cells.size(); ++k) {
    if (k > 0) {
      const kernels::MapGeometry fine{.tokens = tokens, .cell = cells[k - 1], .sliding_window = config.sliding_window};
      const std::size_t n = fine.cells(), m = (n + 1) / 2;
      std::vector<float> next(heads * m * m);
      kernels::parallelFor(heads, threads, [&](std::size_t head, unsigned) {
        coarsen(fine, level.data() + head * n * n, next.data() + head * m * m);
      });
      level = std::move(next);
    }
    pyramid.push_back(encode(level, heads, threads));
  }
  return pyramid;
}

Codes bf16Bits(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kBFloat16).contiguous();
  const auto* bits = reinterpret_cast<const std::uint16_t*>(host.const_data_ptr());
  return {bits, bits + host.numel()};
}

}  // namespace

std::vector<std::uint64_t> mapCells(std::uint64_t tokens, std::uint64_t map_size) {
  std::vector<std::uint64_t> cells;
  if (map_size == 0 || tokens == 0) return cells;
  const auto count = [tokens](std::uint64_t cell) { return (tokens + cell - 1) / cell; };
  std::uint64_t cell = 1;
  while (count(cell) > map_size) cell *= 2;
  cells.push_back(cell);
  while (count(cell) > 64) cells.push_back(cell *= 2);
  return cells;
}

trace::LayerRecord encodeLayer(const LayerAttention& attention, const LayerStatistics& statistics,
                               const ModelConfig& config, const trace::AttentionPlan& plan, unsigned threads) {
  trace::LayerRecord record{.layer = statistics.layer,
                            .lse = statistics.lse,
                            .entropy = statistics.entropy,
                            .received = statistics.received,
                            .window_sum = statistics.window_sum,
                            .key_norm = statistics.key_norm,
                            .value_norm = statistics.value_norm};
  const std::size_t heads = config.query_heads;
  const auto tokens = static_cast<std::size_t>(attention.query.size(1));
  record.window_rows = encode(statistics.window_rows, heads, threads);
  record.map_mean =
      encodePyramid(statistics.map_mean, heads, tokens, config, plan.cells, kernels::coarsenMean, threads);
  record.map_max = encodePyramid(statistics.map_max, heads, tokens, config, plan.cells, kernels::coarsenMax, threads);
  if (plan.keep_qk) {
    record.query = bf16Bits(attention.query);
    record.key = bf16Bits(attention.key);
  }
  return record;
}

}  // namespace kvatlas::capture
