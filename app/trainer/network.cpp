#include "app/trainer/network.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "app/trainer/fused_ops.h"
#include "core/base/random.h"

namespace kvatlas::trainer {
namespace {

// Standard normal numbers by Box and Muller from the project's own generator: libtorch's may change between versions.
at::Tensor gaussian(at::IntArrayRef shape, double deviation, Random& random) {
  at::Tensor values = at::empty(shape, at::kFloat);
  float* data = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const double radius = std::sqrt(-2 * std::log(1 - random.unit())), angle = 2 * M_PI * random.unit();
    data[i] = static_cast<float>(deviation * radius * std::cos(angle));
  }
  return values;
}

at::Tensor repeatHeads(const at::Tensor& rows, std::int64_t times) {
  return times == 1 ? rows : at::repeat_interleave(rows, times, 1);
}

}  // namespace

std::vector<std::pair<std::string, at::Tensor*>> Parameters::matrices() {
  return {{"query", &query}, {"key", &key}, {"value", &value}, {"output", &output},
          {"gate", &gate},   {"up", &up},   {"down", &down}};
}

std::vector<std::pair<std::string, at::Tensor*>> Parameters::vectors() {
  return {{"attention_norm", &attention_norm},
          {"mlp_norm", &mlp_norm},
          {"embedding", &embedding},
          {"final_norm", &final_norm}};
}

std::vector<std::pair<std::string, at::Tensor*>> Parameters::all() {
  auto every = matrices();
  for (auto& entry : vectors()) every.push_back(entry);
  return every;
}

Parameters initialParameters(const ModelShape& shape, std::uint64_t seed, at::Device device) {
  Random random(seed, {0x1217});
  const std::int64_t layers = shape.layers, hidden = shape.hidden, inner = shape.intermediate;
  const std::int64_t queries = std::int64_t{shape.query_heads} * shape.head_dim,
                     keys = std::int64_t{shape.kv_heads} * shape.head_dim;
  const auto matrix = [&](std::int64_t out, std::int64_t in, double scale) {
    return gaussian({layers, out, in}, scale / std::sqrt(static_cast<double>(in)), random);
  };
  Parameters parameters;
  parameters.query = matrix(queries, hidden, 1);
  parameters.key = matrix(keys, hidden, 1);
  parameters.value = matrix(keys, hidden, 1);
  parameters.output = matrix(hidden, queries, 0.5);
  parameters.gate = matrix(inner, hidden, 1);
  parameters.up = matrix(inner, hidden, 1);
  parameters.down = matrix(hidden, inner, 0.5);
  parameters.embedding = gaussian({shape.vocabulary, hidden}, 0.02, random);
  parameters.attention_norm = at::ones({layers, hidden});
  parameters.mlp_norm = at::ones({layers, hidden});
  parameters.final_norm = at::ones({hidden});
  for (auto& [name, tensor] : parameters.all()) *tensor = tensor->to(device).set_requires_grad(true);
  return parameters;
}

Network::Network(const ModelShape& shape, Parameters& parameters, at::ScalarType compute)
    : m_shape(shape), m_parameters(parameters), m_compute(compute) {
  const at::Device device = parameters.embedding.device();
  const at::Tensor exponent = at::arange(0, shape.head_dim, 2, at::kDouble) / static_cast<double>(shape.head_dim);
  const at::Tensor frequency = at::pow(shape.rope_theta, -exponent).to(at::kFloat);
  const at::Tensor angle = at::outer(at::arange(shape.positions, at::kFloat), frequency);
  m_cosine = angle.cos().to(device);
  m_sine = angle.sin().to(device);
}

at::Tensor Network::rotated(const at::Tensor& rows) const {
  return rotate(rows, m_cosine.narrow(0, 0, rows.size(1)), m_sine.narrow(0, 0, rows.size(1)));
}

at::Tensor Network::hidden(const at::Tensor& ids, const std::vector<std::uint32_t>& watch,
                           std::vector<Watched>& watched) const {
  const std::int64_t batch = ids.size(0), n = ids.size(1), head = m_shape.head_dim,
                     group = m_shape.query_heads / m_shape.kv_heads;
  const std::int64_t queries = m_shape.query_heads * head, keys = m_shape.kv_heads * head;
  const auto layers = [&](const at::Tensor& stacked) { return stacked.to(m_compute).unbind(0); };
  const auto projections = layers(at::cat({m_parameters.query, m_parameters.key, m_parameters.value}, 1));
  const auto outputs = layers(m_parameters.output), downs = layers(m_parameters.down);
  const auto inner = layers(at::cat({m_parameters.gate, m_parameters.up}, 1));
  const auto attention_norms = m_parameters.attention_norm.unbind(0), mlp_norms = m_parameters.mlp_norm.unbind(0);
  // Short rows are faster in f32 than in bf16 on a CPU, long ones the other way round.
  const at::ScalarType attention_type = n < 512 ? at::kFloat : m_compute;

  at::Tensor x = at::embedding(m_parameters.embedding, ids);
  for (std::uint32_t layer = 0; layer < m_shape.layers; ++layer) {
    const at::Tensor normed = rmsNorm(x, attention_norms[layer], m_shape.norm_eps, m_compute);
    const auto parts = at::linear(normed, projections[layer]).split_with_sizes({queries, keys, keys}, -1);
    const at::Tensor query = rotated(parts[0].view({batch, n, m_shape.query_heads, head}));
    const at::Tensor key = rotated(parts[1].view({batch, n, m_shape.kv_heads, head}));
    const at::Tensor value = parts[2].view({batch, n, m_shape.kv_heads, head}).transpose(1, 2);
    if (std::ranges::find(watch, layer) != watch.end()) watched.push_back({layer, query, key});
    const at::Tensor mixed =
        at::scaled_dot_product_attention(query.to(attention_type), repeatHeads(key.to(attention_type), group),
                                         repeatHeads(value.to(attention_type), group), {}, 0.0, true);
    x = x + at::linear(mixed.transpose(1, 2).reshape({batch, n, queries}).to(m_compute), outputs[layer]).to(at::kFloat);
    const auto gate_up =
        at::linear(rmsNorm(x, mlp_norms[layer], m_shape.norm_eps, m_compute), inner[layer]).chunk(2, -1);
    x = x + at::linear(at::silu(gate_up[0]) * gate_up[1], downs[layer]).to(at::kFloat);
  }
  return rmsNorm(x, m_parameters.final_norm, m_shape.norm_eps, at::kFloat);
}

at::Tensor Network::logits(const at::Tensor& rows) const {
  return at::linear(rows.to(m_compute), m_parameters.embedding.to(m_compute)).to(at::kFloat);
}

}  // namespace kvatlas::trainer
