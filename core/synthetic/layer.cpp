#include "core/synthetic/layer.h"

#include <cmath>

#include "core/base/random.h"
#include "core/trace/map_pyramid.h"
#include "core/trace/schema.h"
#include "kernels/parallel.h"

namespace kvatlas::synthetic {
namespace {

// The signals of a layer before they are encoded.
struct Buffers {
  trace::LayerRecord record;
  std::vector<float> window_rows, decode_rows, map_mean, map_max;
  std::size_t tokens = 0, window = 0, side = 0, row = 0, steps = 0;

  Buffers(const LayerRequest& request, LayerIndex layer) {
    const std::size_t heads = request.model->query_heads, kv_heads = request.model->kv_heads;
    tokens = request.prompt->prompt.ids.size();
    window = request.plan->window;
    steps = request.new_tokens;
    row = tokens + steps;
    side = request.plan->cells.empty() ? 0 : trace::schema::mapSide(tokens, request.plan->cells.front());
    record.layer = layer;
    for (std::vector<float>* signal : {&record.lse, &record.entropy, &record.received}) signal->resize(heads * tokens);
    if (window > 0) record.window_sum.resize(heads * tokens);
    for (std::vector<float>* norm : {&record.key_norm, &record.value_norm}) norm->resize(kv_heads * tokens);
    window_rows.resize(heads * window * tokens);
    decode_rows.resize(heads * steps * row);
    map_mean.resize(heads * side * side);
    map_max.resize(heads * side * side);
  }
  [[nodiscard]] HeadOutputs of(std::size_t head) {
    return {
        record.lse.data() + head * tokens,           record.entropy.data() + head * tokens,
        record.received.data() + head * tokens,      window == 0 ? nullptr : record.window_sum.data() + head * tokens,
        window_rows.data() + head * window * tokens, map_mean.data() + head * side * side,
        map_max.data() + head * side * side,         decode_rows.data() + head * steps * row};
  }
};

void attendInClosedForm(const LayerRequest& request, const HeadPlace& place, const HeadOutputs& out, Buffers& buffers) {
  const HeadModel model(*request.prompt, place, request.new_tokens);
  const std::size_t tokens = buffers.tokens, window = buffers.window;
  model.lse(out.lse);
  model.entropy(out.entropy);
  model.received(out.received);
  for (std::size_t row = 0; row < window; ++row) {
    float* const probabilities = out.window_rows + row * tokens;
    model.row(static_cast<std::uint32_t>(tokens - window + row), probabilities);
    for (std::size_t j = 0; j < tokens; ++j) out.window_sum[j] += probabilities[j];
  }
  if (buffers.side > 0) model.map(request.plan->cells.front(), out.map_mean, out.map_max);
  for (std::size_t step = 0; step < buffers.steps; ++step)
    model.row(static_cast<std::uint32_t>(tokens - 1 + step), out.decode_rows + step * buffers.row);
}

// Sinks have small keys and values, as in language models.
void addNorms(const LayerRequest& request, LayerIndex layer, trace::LayerRecord& record) {
  const std::size_t tokens = request.prompt->prompt.ids.size();
  for (std::size_t i = 0; i < record.value_norm.size(); ++i) {
    const std::size_t position = i % tokens;
    const std::uint64_t stream = hashOf(hashOf(request.seed, layer.value) ^ 0x6e6f726dULL, i / tokens);
    const double noise = normalOf(hashOf(stream, position));
    record.value_norm[i] = static_cast<float>((position < 4 ? 0.3 : 2.0) * std::exp(0.25 * noise));
    if (record.query.empty())
      record.key_norm[i] = static_cast<float>((position < 4 ? 4.0 : 12.0) * std::exp(-0.08 * noise));
  }
}

}  // namespace

SyntheticLayer makeLayer(const LayerRequest& request, LayerIndex layer) {
  const trace::ModelInfo& model = *request.model;
  Buffers buffers(request, layer);
  const std::uint32_t group = model.query_heads / model.kv_heads;
  const auto placeOf = [&](std::size_t head) {
    return HeadPlace{.layer = layer.value,
                     .layers = model.layers,
                     .head = static_cast<std::uint32_t>(head),
                     .kv_head = static_cast<std::uint32_t>(head) / group,
                     .seed = request.seed};
  };
  if (trace::schema::keepsQk(*request.plan, layer)) {
    for (std::uint32_t kv_head = 0; kv_head < model.kv_heads; ++kv_head)
      attendExactly(request, placeOf(std::size_t{kv_head} * group), group, buffers.of(std::size_t{kv_head} * group),
                    buffers.record);
  } else {
    kernels::parallelFor(model.query_heads, request.threads, [&](std::size_t head, unsigned) {
      attendInClosedForm(request, placeOf(head), buffers.of(head), buffers);
    });
  }
  addNorms(request, layer, buffers.record);
  SyntheticLayer result{.record = std::move(buffers.record),
                        .window_rows = std::move(buffers.window_rows),
                        .decode_rows = std::move(buffers.decode_rows)};
  const trace::PyramidShape shape{.heads = model.query_heads, .tokens = buffers.tokens, .cells = request.plan->cells};
  result.record.window_rows = trace::encodeRows(result.window_rows, model.query_heads, request.threads);
  result.record.map_mean =
      trace::encodePyramid(std::move(buffers.map_mean), shape, trace::Reduction::Mean, request.threads);
  result.record.map_max =
      trace::encodePyramid(std::move(buffers.map_max), shape, trace::Reduction::Max, request.threads);
  return result;
}

}  // namespace kvatlas::synthetic
