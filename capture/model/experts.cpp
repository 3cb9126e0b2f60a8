#include "capture/model/experts.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <array>
#include <cmath>

#include "capture/model/row_steps.h"

namespace kvatlas::capture {

at::Tensor mlpOutput(const Mlp& mlp, const at::Tensor& rows) {
  if (!mlp.gate_and_up.packed.defined())
    return product(mlp.down, gated(product(mlp.gate, rows), product(mlp.up, rows)));
  const at::Tensor both = product(mlp.gate_and_up, rows);
  const std::int64_t width = both.size(1) / 2;
  return product(mlp.down, gated(both.narrow(1, 0, width), both.narrow(1, width, width)));
}

void pack(Mlp& mlp) {
  mlp.gate_and_up = joined(std::array<const Linear*, 2>{&mlp.gate, &mlp.up});
  mlp.gate = mlp.up = {};
  pack(mlp.gate_and_up);
  pack(mlp.down);
}

Routing route(const ExpertWeights& weights, const at::Tensor& rows, std::uint32_t per_token) {
  const at::Tensor probability = at::softmax(product(weights.router, rows).to(at::kFloat), -1);
  // Not topk: among equal values it may choose any.
  const auto [sorted, order] = at::sort(probability, /*stable=*/true, -1, /*descending=*/true);
  const at::Tensor best = sorted.narrow(1, 0, per_token), index = order.narrow(1, 0, per_token);
  return {at::zeros_like(probability, at::kBool).scatter_(1, index, true),
          at::zeros_like(probability).scatter_(1, index, best / best.sum(-1, true))};
}

at::Tensor mixture(const ExpertWeights& weights, const Routing& routing, const at::Tensor& rows) {
  at::Tensor sum = at::zeros_like(rows);
  for (std::size_t number = 0; number < weights.experts.size(); ++number) {
    const auto column = static_cast<std::int64_t>(number);
    const at::Tensor index = routing.chosen.select(1, column).nonzero().squeeze(1);
    if (index.numel() == 0) continue;
    const at::Tensor output = mlpOutput(weights.experts[number], rows.index_select(0, index));
    const at::Tensor share = routing.weight.select(1, column).index_select(0, index).unsqueeze(1);
    // The product with a float32 weight is rounded to the compute type once, as in Transformers.
    sum.index_add_(0, index, (output * share).to(rows.scalar_type()));
  }
  return sum;
}

ExpertTally::ExpertTally(const ModelConfig& config, std::int64_t tokens)
    : m_tokens(tokens),
      m_use{std::vector<std::uint32_t>(std::size_t{config.layers} * config.experts, 0),
            std::vector<float>(std::size_t{config.layers} * config.experts, 0.0F)} {
  if (config.experts > 0) m_weight = at::empty({tokens, config.experts}, at::kFloat);
}

void ExpertTally::note(std::int64_t first_row, const Routing& routing) {
  const at::Tensor rows = m_weight.narrow(0, first_row, routing.weight.size(0));
  rows.copy_(routing.weight.masked_fill(routing.chosen.logical_not(), NAN));
}

void ExpertTally::finishLayer(std::uint32_t layer) {
  const auto experts = static_cast<std::size_t>(m_weight.size(1));
  const float* weight = m_weight.const_data_ptr<float>();
  for (std::size_t expert = 0; expert < experts; ++expert) {
    double sum = 0;
    std::uint32_t chosen = 0;
    for (std::int64_t row = 0; row < m_tokens; ++row) {
      const float share = weight[static_cast<std::size_t>(row) * experts + expert];
      if (std::isnan(share)) continue;
      sum += static_cast<double>(share);
      ++chosen;
    }
    m_use.tokens[layer * experts + expert] = chosen;
    m_use.weight[layer * experts + expert] = static_cast<float>(sum / static_cast<double>(m_tokens));
  }
}

}  // namespace kvatlas::capture
