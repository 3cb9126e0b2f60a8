#include "app/trainer/optimiser.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/random.h"

namespace kvatlas::trainer {
namespace {

at::Tensor numbers(at::IntArrayRef shape, std::uint64_t seed) {
  Random random(seed);
  at::Tensor values = at::empty(shape, at::kFloat);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(2 * random.unit() - 1);
  return values;
}

// XᵀX of a semi-orthogonal matrix is the identity; the published coefficients leave the squares of the singular values
// between about 0.5 and 1.5. And the polar factor has a positive definite product with the matrix it came from.
TEST(Muon, MakesMatricesNearlyOrthogonalInTheirOwnDirection) {
  for (const auto& shape : {std::vector<std::int64_t>{2, 24, 16}, {2, 16, 24}, {1, 8, 8}}) {
    const at::Tensor matrices = numbers(shape, 3), result = orthogonalised(matrices, at::kFloat);
    ASSERT_EQ(result.sizes(), matrices.sizes());
    for (std::int64_t i = 0; i < shape[0]; ++i) {
      const at::Tensor x = shape[1] > shape[2] ? result[i] : result[i].t();
      const at::Tensor gram = at::mm(x.t(), x);
      // Gershgorin is too wide here: bound the quadratic form by many vectors.
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const at::Tensor v = numbers({gram.size(0)}, 100 + seed);
        const double ratio = (at::dot(v, at::mv(gram, v)) / at::dot(v, v)).item<double>();
        EXPECT_GT(ratio, 0.4);
        EXPECT_LT(ratio, 1.6);
      }
      EXPECT_GT((result[i] * matrices[i]).sum().item<double>(),
                0.6 * std::sqrt(static_cast<double>(gram.size(0))) * matrices[i].norm().item<double>() * 0.7);
    }
  }
}

TEST(Optimiser, AdamFollowsItsFormulaAndGradientsAreClipped) {
  ModelShape shape{.layers = 1,
                   .hidden = 4,
                   .intermediate = 4,
                   .query_heads = 1,
                   .kv_heads = 1,
                   .head_dim = 4,
                   .vocabulary = 300,
                   .positions = 128};
  Parameters parameters = initialParameters(shape, 1, at::kCPU);
  const at::Tensor before = parameters.final_norm.detach().clone();
  OptimiserPlan plan;
  plan.warm_up_steps = 0;
  Optimiser optimiser(plan, parameters, at::kFloat);
  for (auto& [name, tensor] : parameters.all()) tensor->mutable_grad() = at::zeros_like(*tensor);
  parameters.final_norm.mutable_grad() = at::tensor({3.0F, -4.0F, 0.0F, 0.0F});
  EXPECT_NEAR(optimiser.step(0, 0.5), 5, 1e-6);
  // The first step of Adam is the rate times the sign of the gradient, whatever its size.
  const at::Tensor moved = parameters.final_norm.detach() - before;
  EXPECT_NEAR(moved[0].item<double>(), -0.5 * plan.vector_rate, 1e-7);
  EXPECT_NEAR(moved[1].item<double>(), 0.5 * plan.vector_rate, 1e-7);
  EXPECT_EQ(moved[2].item<double>(), 0);
  const auto state = optimiser.state();
  for (const auto& [name, tensor] : state) {
    if (name == "final_norm.first") {
      EXPECT_NEAR((*tensor)[0].item<double>(), 0.1 * 3.0 / 5, 1e-6);  // clipped to norm 1
    }
  }
  EXPECT_FALSE(parameters.final_norm.grad().defined());
}

}  // namespace
}  // namespace kvatlas::trainer
