#include "capture/model/experts.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace kvatlas::capture {

Routing route(const ExpertWeights& weights, const at::Tensor& rows, std::uint32_t per_token) {
  const at::Tensor probability = at::softmax(at::linear(rows, weights.router).to(at::kFloat), -1);
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
    const Expert& expert = weights.experts[number];
    const at::Tensor input = rows.index_select(0, index);
    const at::Tensor inner = at::silu(at::linear(input, expert.gate)).mul_(at::linear(input, expert.up));
    const at::Tensor share = routing.weight.select(1, column).index_select(0, index).unsqueeze(1);
    // The product with a float32 weight is rounded to the compute type once, as in Transformers.
    sum.index_add_(0, index, (at::linear(inner, expert.down) * share).to(rows.scalar_type()));
  }
  return sum;
}

ExpertTally::ExpertTally(const ModelConfig& config)
    : m_experts(config.experts),
      m_tokens(std::size_t{config.layers} * config.experts, 0),
      m_weight(std::size_t{config.layers} * config.experts, 0.0) {}

void ExpertTally::add(std::uint32_t layer, const Routing& routing) {
  const at::Tensor tokens = routing.chosen.sum(0).to(at::kCPU, at::kLong).contiguous();
  const at::Tensor weight = routing.weight.sum(0, false, at::kDouble).to(at::kCPU).contiguous();
  for (std::size_t expert = 0; expert < m_experts; ++expert) {
    const std::size_t at = layer * m_experts + expert;
    m_tokens[at] += static_cast<std::uint32_t>(tokens.const_data_ptr<std::int64_t>()[expert]);
    m_weight[at] += weight.const_data_ptr<double>()[expert];
  }
}

ExpertUse ExpertTally::use(std::uint64_t tokens) const {
  ExpertUse use{m_tokens, {}};
  for (const double sum : m_weight) use.weight.push_back(static_cast<float>(sum / static_cast<double>(tokens)));
  return use;
}

}  // namespace kvatlas::capture
