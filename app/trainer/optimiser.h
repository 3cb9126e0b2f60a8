// Muon for stacked matrices, AdamW for the rest, with their moments.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "app/trainer/network.h"

namespace kvatlas::trainer {

// The nearest semi-orthogonal matrix of each [layers, m, n] matrix, by five quintic Newton–Schulz steps
// (Jordan et al. 2024, coefficients 3.4445, −4.7750, 2.0315): singular values end between about 0.7 and 1.2.
[[nodiscard]] at::Tensor orthogonalised(const at::Tensor& matrices, at::ScalarType compute);

class Optimiser {
 public:
  Optimiser(const OptimiserPlan& plan, Parameters& parameters, at::ScalarType compute);

  // Clips the norm of all gradients, updates the parameters, clears the gradients. rate: factor on both learning rates.
  // Returns the norm before clipping.
  double step(std::uint64_t step, double rate);

  // Moments by name, for the checkpoint.
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor*>> state();

 private:
  struct Moments {
    std::string name;
    at::Tensor* parameter;
    at::Tensor first, second;  // second is empty for Muon
  };
  void muon(Moments& moments, const at::Tensor& gradient, double rate);
  void adam(Moments& moments, const at::Tensor& gradient, double rate, std::uint64_t step);

  OptimiserPlan m_plan;
  at::ScalarType m_compute;
  std::vector<Moments> m_moments;
};

}  // namespace kvatlas::trainer
