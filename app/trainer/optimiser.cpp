#include "app/trainer/optimiser.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace kvatlas::trainer {

at::Tensor orthogonalised(const at::Tensor& matrices, at::ScalarType compute) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
  constexpr int kSteps = 5;
  const bool tall = matrices.size(1) > matrices.size(2);
  at::Tensor x = tall ? matrices.transpose(1, 2) : matrices;
  x = (x / (x.norm(2, {1, 2}, true) + 1e-7)).to(compute);
  for (int i = 0; i < kSteps; ++i) {
    const at::Tensor square = at::bmm(x, x.transpose(1, 2));
    x = kA * x + at::bmm(kB * square + kC * at::bmm(square, square), x);
  }
  x = x.to(at::kFloat);
  return tall ? x.transpose(1, 2) : x;
}

Optimiser::Optimiser(const OptimiserPlan& plan, Parameters& parameters, at::ScalarType compute)
    : m_plan(plan), m_compute(compute) {
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : parameters.matrices()) m_moments.push_back({name, tensor, at::zeros_like(*tensor), {}});
  for (auto& [name, tensor] : parameters.vectors())
    m_moments.push_back({name, tensor, at::zeros_like(*tensor), at::zeros_like(*tensor)});
}

double Optimiser::step(std::uint64_t step, double rate) {
  const at::NoGradGuard no_grad;
  double square = 0;
  for (const Moments& moments : m_moments)
    square += moments.parameter->grad().to(at::kFloat).square().sum().item<double>();
  const double norm = std::sqrt(square), scale = std::min(1.0, m_plan.clip / (norm + 1e-6));
  const double warm = std::min(1.0, static_cast<double>(step + 1) / std::max(1U, m_plan.warm_up_steps));
  for (Moments& moments : m_moments) {
    const at::Tensor gradient = moments.parameter->grad() * scale;
    if (moments.second.defined())
      adam(moments, gradient, m_plan.vector_rate * rate * warm, step);
    else
      muon(moments, gradient, m_plan.matrix_rate * rate * warm);
    moments.parameter->mutable_grad() = at::Tensor();
  }
  return norm;
}

void Optimiser::muon(Moments& moments, const at::Tensor& gradient, double rate) {
  moments.first.mul_(m_plan.momentum).add_(gradient);
  const at::Tensor update = orthogonalised(gradient + moments.first * m_plan.momentum, m_compute);  // Nesterov
  const double shape =
      std::sqrt(std::max(1.0, static_cast<double>(update.size(1)) / static_cast<double>(update.size(2))));
  moments.parameter->mul_(1 - rate * m_plan.decay).add_(update, -rate * shape);
}

void Optimiser::adam(Moments& moments, const at::Tensor& gradient, double rate, std::uint64_t step) {
  const auto count = static_cast<double>(step + 1);
  moments.first.mul_(m_plan.beta1).add_(gradient, 1 - m_plan.beta1);
  moments.second.mul_(m_plan.beta2).addcmul_(gradient, gradient, 1 - m_plan.beta2);
  const at::Tensor mean = moments.first / (1 - std::pow(m_plan.beta1, count));
  const at::Tensor deviation = (moments.second / (1 - std::pow(m_plan.beta2, count))).sqrt_().add_(1e-10);
  moments.parameter->addcdiv_(mean, deviation, -rate);
}

std::vector<std::pair<std::string, at::Tensor*>> Optimiser::state() {
  std::vector<std::pair<std::string, at::Tensor*>> tensors;
  for (Moments& moments : m_moments) {
    tensors.emplace_back(moments.name + ".first", &moments.first);
    if (moments.second.defined()) tensors.emplace_back(moments.name + ".second", &moments.second);
  }
  return tensors;
}

}  // namespace kvatlas::trainer
