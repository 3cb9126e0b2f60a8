#include "core/synthetic/layer.h"

#include <cmath>

#include "core/base/random.h"
#include "core/signals/stored.h"
#include "core/trace/map_pyramid.h"
#include "core/trace/schema.h"
#include "core/trace/signal_codec.h"
#include "kernels/parallel.h"

namespace kvatlas::synthetic {
namespace {

// Destinations for a layer's signals before they are encoded.
struct Buffers {
  SignalValues values;
  std::vector<float> decode_rows, map_mean, map_max;
  SignalShape shape;
  std::size_t side = 0, row = 0, steps = 0;

  explicit Buffers(const LayerRequest& request)
      : shape{.query_heads = request.model->query_heads,
              .kv_heads = request.model->kv_heads,
              .tokens = request.prompt->prompt.ids.size(),
              .window = request.plan->window},
        side(request.plan->cells.empty() ? 0 : trace::schema::mapSide(shape.tokens, request.plan->cells.front())),
        row(shape.tokens + request.new_tokens),
        steps(request.new_tokens) {
    for (const SignalInfo& info : signalTable())
      if ((shape.window > 0 || !info.needsWindow()) &&
          (!info.onDemand() || request.plan->measured.contains(info.signal)))
        values[info.signal].resize(valueCount(info, shape));
    decode_rows.resize(shape.query_heads * steps * row);
    map_mean.resize(shape.query_heads * side * side);
    map_max.resize(shape.query_heads * side * side);
  }
  [[nodiscard]] HeadOutputs of(std::size_t head) {
    HeadOutputs out{.values = {},
                    .map_mean = map_mean.data() + head * side * side,
                    .map_max = map_max.data() + head * side * side,
                    .decode_rows = decode_rows.data() + head * steps * row};
    for (const SignalInfo& info : signalTable()) {
      std::vector<float>& all = values[info.signal];
      if (info.heads == SignalHeads::Query && !all.empty())
        out.values[info.signal] = all.data() + head * (all.size() / shape.query_heads);
    }
    return out;
  }
};

void attendInClosedForm(const LayerRequest& request, const HeadPlace& place, const HeadOutputs& out, Buffers& buffers) {
  const HeadModel model(*request.prompt, place, request.new_tokens);
  const std::size_t tokens = buffers.shape.tokens, window = buffers.shape.window;
  model.lse(out.values[Signal::Lse]);
  model.entropy(out.values[Signal::Entropy]);
  model.received(out.values[Signal::Received]);
  for (std::size_t row = 0; row < window; ++row) {
    float* const probabilities = out.values[Signal::WindowRows] + row * tokens;
    model.row(static_cast<std::uint32_t>(tokens - window + row), probabilities);
    for (std::size_t j = 0; j < tokens; ++j) out.values[Signal::WindowSum][j] += probabilities[j];
  }
  if (buffers.side > 0) model.map(request.plan->cells.front(), out.map_mean, out.map_max);
  for (std::size_t step = 0; step < buffers.steps; ++step)
    model.row(static_cast<std::uint32_t>(tokens - 1 + step), out.decode_rows + step * buffers.row);
}

// Sinks have small keys and values, as in language models.
void addNorms(const LayerRequest& request, LayerIndex layer, bool with_keys, SignalValues& values) {
  const std::size_t tokens = request.prompt->prompt.ids.size();
  std::vector<float>&keys = values[Signal::KeyNorm], &of_values = values[Signal::ValueNorm];
  for (std::size_t i = 0; i < of_values.size(); ++i) {
    const std::size_t position = i % tokens;
    const std::uint64_t stream = hashOf(hashOf(request.seed, layer.value) ^ 0x6e6f726dULL, i / tokens);
    const double noise = normalOf(hashOf(stream, position));
    of_values[i] = static_cast<float>((position < 4 ? 0.3 : 2.0) * std::exp(0.25 * noise));
    if (with_keys) keys[i] = static_cast<float>((position < 4 ? 4.0 : 12.0) * std::exp(-0.08 * noise));
  }
}

}  // namespace

namespace {

// Made up, but the same in every run: no layer's keys and values stand behind them.
void addOnDemand(const LayerRequest& request, LayerIndex layer, SignalValues& values) {
  for (const Signal signal : request.plan->measured.members()) {
    const std::uint64_t stream = hashOf(hashOf(request.seed, layer.value), 40 + static_cast<std::uint64_t>(signal));
    for (std::size_t i = 0; i < values[signal].size(); ++i)
      values[signal][i] = static_cast<float>(uniformOf(hashOf(stream, i)));
  }
}

}  // namespace

SyntheticLayer makeLayer(const LayerRequest& request, LayerIndex layer) {
  const trace::ModelInfo& model = *request.model;
  Buffers buffers(request);
  SyntheticLayer result;
  result.record.layer = layer;
  const std::uint32_t group = model.query_heads / model.kv_heads;
  const auto placeOf = [&](std::size_t head) {
    return HeadPlace{.layer = layer.value,
                     .layers = model.layers,
                     .head = static_cast<std::uint32_t>(head),
                     .kv_head = static_cast<std::uint32_t>(head) / group,
                     .seed = request.seed};
  };
  const bool exact = trace::schema::keepsQk(*request.plan, layer);
  if (exact) {
    float* const norms = buffers.values[Signal::KeyNorm].data();
    for (std::uint32_t kv_head = 0; kv_head < model.kv_heads; ++kv_head)
      attendExactly(request, placeOf(std::size_t{kv_head} * group), group, buffers.of(std::size_t{kv_head} * group),
                    norms + kv_head * buffers.shape.tokens, result.record);
  } else {
    kernels::parallelFor(model.query_heads, request.threads, [&](std::size_t head, unsigned) {
      attendInClosedForm(request, placeOf(head), buffers.of(head), buffers);
    });
  }
  addNorms(request, layer, !exact, buffers.values);
  addOnDemand(request, layer, buffers.values);
  trace::encodeSignals(buffers.values, result.record, request.threads);
  roundAsStored(buffers.values, request.threads);
  result.values = std::move(buffers.values);
  result.decode_rows = std::move(buffers.decode_rows);
  const trace::PyramidShape shape{
      .heads = model.query_heads, .tokens = buffers.shape.tokens, .cells = request.plan->cells};
  result.record.map_mean =
      trace::encodePyramid(std::move(buffers.map_mean), shape, trace::Reduction::Mean, request.threads);
  result.record.map_max =
      trace::encodePyramid(std::move(buffers.map_max), shape, trace::Reduction::Max, request.threads);
  return result;
}

}  // namespace kvatlas::synthetic
