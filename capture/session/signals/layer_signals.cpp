#include "capture/session/signals/layer_signals.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cholesky_solve.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/std.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "capture/model/rope.h"
#include "core/base/error.h"
#include "core/base/random.h"

namespace kvatlas::capture {
namespace {

struct Layer {
  const LayerAttention& attention;
  const ModelConfig& config;
  const policy::SignalParameters& parameters;
  const HeldRows* held = nullptr;
  [[nodiscard]] std::int64_t tokens() const { return attention.key.size(1); }
  [[nodiscard]] std::int64_t group() const { return config.query_heads / config.kv_heads; }
  [[nodiscard]] std::int64_t queryHeads() const { return attention.key.size(0) * group(); }
  [[nodiscard]] std::int64_t firstHead() const { return held == nullptr ? 0 : held->first_head; }
  [[nodiscard]] std::string_view text(const std::string& name) const {
    const auto found = parameters.find(name);
    if (found == parameters.end()) throw std::logic_error("a signal lacks its parameter " + name);
    return found->second;
  }
  [[nodiscard]] std::int64_t number(const std::string& name) const {
    std::int64_t value = 0;
    const std::string_view digits = text(name);
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
};

at::Tensor wide(const at::Tensor& tensor) {
  return tensor.to(at::kFloat);
}

at::Tensor norms(const at::Tensor& rows) {  // [..., d] → [..., 1]
  return at::linalg_vector_norm(rows, 2, at::IntArrayRef{-1}, true);
}

// The mean of the keys' directions, and each key's cosine to it.
at::Tensor keySimilarity(const Layer& layer) {
  const at::Tensor key = wide(layer.attention.key);
  const at::Tensor unit = key / norms(key).clamp_min(1e-12);
  const at::Tensor anchor = unit.mean(1, true);
  return (key * anchor).sum(-1) / (norms(key).clamp_min(1e-8) * norms(anchor).clamp_min(1e-8)).squeeze(-1);
}

// [kv_heads, parts, lag, d] → [kv_heads, parts − 1, lag]: the spread over channels, each in units of the range that the
// channel has in the next part; a share of its part.
at::Tensor lagShares(const at::Tensor& parts) {
  const std::int64_t count = parts.size(1);
  const at::Tensor next = parts.slice(1, 1, count), own = parts.slice(1, 0, count - 1);
  const at::Tensor low = at::amin(next, {2}, true), high = at::amax(next, {2}, true);
  return at::softmax(at::std((own - low) / (high - low), at::IntArrayRef{-1}, true), -1);
}

at::Tensor lagScore(const Layer& layer) {
  const std::int64_t tokens = layer.tokens(), lag = layer.number("lag_score.lag");
  const std::int64_t sinks = std::min(layer.number("lag_score.sinks"), tokens), heads = layer.attention.key.size(0);
  const auto options = layer.attention.key.options().dtype(at::kFloat);
  if (tokens < sinks + 2 * lag) {  // too short to compare: the most recent
    const at::Tensor ramp =
        at::arange(tokens - sinks, options) / static_cast<double>(std::max<std::int64_t>(tokens - sinks, 1));
    return at::cat({at::ones({sinks}, options), ramp}).unsqueeze(0).expand({heads, tokens}).contiguous();
  }
  const std::int64_t end = sinks + (tokens - sinks) / lag * lag;
  const auto shares = [&](const at::Tensor& rows) {
    return lagShares(wide(rows).slice(1, sinks, end).reshape({heads, -1, lag, rows.size(2)}));
  };
  const at::Tensor mean = (shares(layer.attention.key) + shares(layer.attention.value)) / 2;
  const at::Tensor rank =
      at::argsort(at::argsort(mean, true, -1, false), true, -1, false).to(at::kFloat) / static_cast<double>(lag);
  return at::cat(
      {at::ones({heads, sinks}, options), rank.reshape({heads, -1}), at::ones({heads, lag + tokens - end}, options)},
      1);
}

// The angles of rows, [N, d/2], or [heads, N, d/2] where every head holds its own.
RopeTable anglesOf(const Layer& layer, const at::Tensor& rows) {
  const at::TensorOptions options = rows.options().dtype(at::kFloat);
  const std::uint32_t dim = layer.config.head_dim;
  if (layer.held == nullptr)
    return promptTable(layer.config.rope, dim, static_cast<std::uint64_t>(layer.tokens()), options);
  const RopeTable table = stepTable(layer.config.rope, dim, layer.held->positions, layer.held->prompt_tokens, options);
  const auto byHead = [&](const at::Tensor& flat) { return flat.view({rows.size(0), rows.size(1), -1}); };
  return {byHead(table.cosine), byHead(table.sine)};
}

// Rows [heads, N, d] before they were rotated.
at::Tensor unrotated(const Layer& layer, const at::Tensor& rows) {
  const RopeTable table = anglesOf(layer, rows);
  const at::Tensor scale = table.cosine * table.cosine + table.sine * table.sine;  // the square of the attention factor
  const std::int64_t half = rows.size(2) / 2;
  const at::Tensor low = wide(rows).slice(2, 0, half), high = wide(rows).slice(2, half, 2 * half);
  return at::cat({(low * table.cosine + high * table.sine) / scale, (high * table.cosine - low * table.sine) / scale},
                 2);
}

// [d, d]: the rotation that future positions have on average.
at::Tensor meanRotation(const Layer& layer, std::int64_t future) {
  std::vector<std::uint64_t> positions(static_cast<std::size_t>(future));
  std::iota(positions.begin(), positions.end(), static_cast<std::uint64_t>(layer.tokens()));
  const RopeTable table =
      stepTable(layer.config.rope, layer.config.head_dim, positions, static_cast<std::uint64_t>(layer.tokens()),
                layer.attention.query.options().dtype(at::kFloat));
  const at::Tensor cosine = table.cosine.mean(0).diag(), sine = table.sine.mean(0).diag();
  return at::cat({at::cat({cosine, -sine}, 1), at::cat({sine, cosine}, 1)}, 0);
}

// Keys repeated for the query heads that read them: [query_heads, N, d].
at::Tensor keysOfQueries(const Layer& layer) {
  return wide(layer.attention.key).repeat_interleave(layer.group(), 0);
}

// Softmax over tokens of what the mean and covariance of the queries lead to expect; 0 for the sinks.
at::Tensor expected(const Layer& layer) {
  const std::int64_t tokens = layer.tokens(), dim = layer.attention.key.size(2);
  const std::int64_t sinks = std::min(layer.number("expected.sinks"), tokens - 1);
  const at::Tensor query = unrotated(layer, layer.attention.query).slice(1, sinks, tokens);
  const at::Tensor rotation = meanRotation(layer, layer.number("expected.future"));
  const at::Tensor mean = query.mean(1, true);
  const at::Tensor key = keysOfQueries(layer).slice(1, sinks, tokens);
  at::Tensor logits =
      at::matmul(at::matmul(mean, rotation.t()), key.transpose(1, 2)).squeeze(1) / std::sqrt(double(dim));
  if (layer.text("expected.covariance") == "on") {
    const at::Tensor centred = at::matmul(query - mean, rotation.t());
    const at::Tensor covariance = at::matmul(centred.transpose(1, 2), centred) / static_cast<double>(tokens - sinks);
    logits = logits + (at::matmul(key, covariance) * key).sum(-1) / (2.0 * static_cast<double>(dim));
  }
  return at::constant_pad_nd(at::softmax(logits, -1), {sinks, 0}, 0);
}

// Column sums of attention without a mask or a scale, within chunks; the last one is filled with zero rows, as
// published.
at::Tensor nonCausal(const Layer& layer) {
  const std::int64_t tokens = layer.tokens(), dim = layer.attention.key.size(2);
  const std::int64_t chunk = std::min(layer.number("noncausal.chunk"), std::int64_t{1} << 30);
  const std::int64_t padded = (tokens + chunk - 1) / chunk * chunk;
  std::vector<at::Tensor> heads;
  for (std::int64_t head = 0; head < layer.attention.query.size(0); ++head) {
    const auto chunks = [&](const at::Tensor& rows) {
      return at::constant_pad_nd(wide(rows), {0, 0, 0, padded - tokens}, 0).reshape({-1, chunk, dim});
    };
    const at::Tensor query = chunks(layer.attention.query[head]),
                     key = chunks(layer.attention.key[head / layer.group()]);
    std::vector<at::Tensor> sums;  // chunk by chunk: the scores of one fit the processor's cache
    for (std::int64_t i = 0; i < query.size(0); ++i)
      sums.push_back(at::softmax(at::matmul(query[i], key[i].t()), -1).sum(0));
    heads.push_back(at::cat(sums).slice(0, 0, tokens));
  }
  return at::stack(heads);
}

// [kv_heads, d, width] numbers that depend on the seed, the head and the place alone, over the square root of the
// width.
at::Tensor sketchOf(const Layer& layer, std::int64_t width) {
  const std::int64_t heads = layer.attention.key.size(0), dim = layer.attention.key.size(2);
  const auto seed = static_cast<std::uint64_t>(layer.number("leverage.seed"));
  at::Tensor sketch = at::empty({heads, dim, width}, at::kFloat);
  float* out = sketch.mutable_data_ptr<float>();
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  for (std::int64_t head = 0; head < heads; ++head)
    for (std::int64_t i = 0; i < dim * width; ++i)
      *out++ = static_cast<float>(normalOf(hashOf(hashOf(seed, static_cast<std::uint64_t>(layer.firstHead() + head)),
                                                  static_cast<std::uint64_t>(i))) *
                                  scale);
  return sketch.to(layer.attention.key.device());
}

// The factor of G + jitter; ten times as much is added until G is positive definite.
at::Tensor choleskyWithJitter(const at::Tensor& gram) {
  double jitter = 1e-2;
  for (int attempt = 0; attempt < 5; ++attempt, jitter *= 10) {
    const auto [factor, info] = at::linalg_cholesky_ex(gram + jitter * at::eye(gram.size(-1), gram.options()));
    if (info.max().item<int>() == 0) return factor;
  }
  fail("the leverage of keys could not be computed: their sketch is not finite");
}

at::Tensor leverage(const Layer& layer) {
  const at::Tensor key = unrotated(layer, layer.attention.key);
  const at::Tensor rows = at::matmul(key - key.mean(1, true), sketchOf(layer, layer.number("leverage.sketch")));
  const at::Tensor gram = at::matmul(rows.transpose(1, 2), rows);
  const at::Tensor factor = choleskyWithJitter((gram + gram.transpose(1, 2)) * 0.5);
  const at::Tensor solved = at::cholesky_solve(rows.transpose(1, 2), factor);
  return (rows * solved.transpose(1, 2)).sum(-1).clamp_min(0);
}

// ‖W_o v‖₁ of each query head's share of the output matrix.
at::Tensor outputNorm(const Layer& layer) {
  const std::int64_t dim = layer.attention.value.size(2);
  const at::Tensor weight = layer.attention.output_weight();
  std::vector<at::Tensor> heads;
  const std::int64_t first = layer.firstHead() * layer.group();
  for (std::int64_t head = 0; head < layer.queryHeads(); ++head) {
    const at::Tensor share = wide(weight.slice(1, (first + head) * dim, (first + head + 1) * dim));
    heads.push_back(at::matmul(wide(layer.attention.value[head / layer.group()]), share.t()).abs().sum(-1));
  }
  return at::stack(heads);
}

// The most that the last query's logit can be over the keys of a token's page (Quest).
at::Tensor pageBound(const Layer& layer) {
  const std::int64_t tokens = layer.tokens(), page = layer.number("page_bound.page");
  const at::Tensor key = wide(layer.attention.key), queries = wide(layer.attention.query),
                   query = queries.slice(1, queries.size(1) - 1, queries.size(1));
  std::vector<at::Tensor> bounds;
  for (std::int64_t begin = 0; begin < tokens; begin += page) {
    const std::int64_t end = std::min(begin + page, tokens);
    const at::Tensor rows = key.slice(1, begin, end);
    const auto ofQueries = [&](const at::Tensor& of_kv) { return of_kv.repeat_interleave(layer.group(), 0); };
    const at::Tensor bound =
        at::maximum(query * ofQueries(at::amin(rows, {1}, true)), query * ofQueries(at::amax(rows, {1}, true))).sum(-1);
    bounds.push_back(bound.expand({bound.size(0), end - begin}));
  }
  return at::cat(bounds, 1);
}

}  // namespace

at::Tensor layerSignal(Signal signal, const LayerAttention& attention, const ModelConfig& config,
                       const policy::SignalParameters& parameters, const HeldRows* held) {
  const Layer layer{attention, config, parameters, held};
  switch (signal) {
    case Signal::KeySimilarity:
      return keySimilarity(layer);
    case Signal::LagScore:
      return lagScore(layer);
    case Signal::Expected:
      return expected(layer);
    case Signal::NonCausal:
      return nonCausal(layer);
    case Signal::Leverage:
      return leverage(layer);
    case Signal::OutputNorm:
      return outputNorm(layer);
    case Signal::PageBound:
      return pageBound(layer);
    default:
      throw std::logic_error("a signal that is not computed from a layer");
  }
}

}  // namespace kvatlas::capture
