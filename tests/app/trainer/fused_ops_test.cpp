#include "app/trainer/fused_ops.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

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

double largest(const at::Tensor& left, const at::Tensor& right) {
  return (left.to(at::kDouble) - right.to(at::kDouble)).abs().max().item<double>();
}

// The same function from libtorch's own operators in double, differentiated by autograd.
at::Tensor plainNorm(const at::Tensor& x, const at::Tensor& gain, double eps) {
  return x * at::rsqrt(x.square().mean({-1}, true) + eps) * gain;
}
at::Tensor plainRotate(const at::Tensor& rows, const at::Tensor& cosine, const at::Tensor& sine) {
  const auto halves = rows.chunk(2, -1);
  const at::Tensor c = cosine.unsqueeze(1), s = sine.unsqueeze(1);
  return at::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, -1).transpose(1, 2);
}

TEST(FusedOps, NormAndItsGradientsAreThoseOfTheFormula) {
  for (const std::int64_t width : {7, 16, 256}) {
    const at::Tensor x = numbers({3, 131, width}, 1).set_requires_grad(true);
    const at::Tensor gain = numbers({width}, 2).set_requires_grad(true);
    const at::Tensor weights = numbers({3, 131, width}, 3);
    const at::Tensor x64 = x.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor gain64 = gain.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor y = rmsNorm(x, gain, 1e-5, at::kFloat), y64 = plainNorm(x64, gain64, 1e-5);
    EXPECT_LT(largest(y, y64), 1e-5);
    (y * weights).sum().backward();
    (y64 * weights.to(at::kDouble)).sum().backward();
    EXPECT_LT(largest(x.grad(), x64.grad()), 2e-5);
    EXPECT_LT(largest(gain.grad(), gain64.grad()), 2e-4);
    EXPECT_LT(largest(rmsNorm(x, gain, 1e-5, at::kBFloat16), y64), 0.02);
  }
}

TEST(FusedOps, RotationAndItsGradientsAreThoseOfTheFormula) {
  const at::Tensor angle = numbers({5, 4}, 4), cosine = angle.cos(), sine = angle.sin();
  const at::Tensor rows = numbers({2, 5, 3, 8}, 5).set_requires_grad(true), weights = numbers({2, 3, 5, 8}, 6);
  const at::Tensor rows64 = rows.detach().to(at::kDouble).set_requires_grad(true);
  const at::Tensor out = rotate(rows, cosine, sine);
  const at::Tensor out64 = plainRotate(rows64, cosine.to(at::kDouble), sine.to(at::kDouble));
  ASSERT_EQ(out.sizes(), out64.sizes());
  EXPECT_LT(largest(out, out64), 1e-6);
  (out * weights).sum().backward();
  (out64 * weights.to(at::kDouble)).sum().backward();
  EXPECT_LT(largest(rows.grad(), rows64.grad()), 1e-6);
}

TEST(FusedOps, StorageInBfloat16RoundsToNearestEven) {
  const at::Tensor x = numbers({4, 64}, 7), gain = at::ones({64});
  EXPECT_TRUE(rmsNorm(x, gain, 1e-5, at::kBFloat16).equal(rmsNorm(x, gain, 1e-5, at::kFloat).to(at::kBFloat16)));
}

}  // namespace
}  // namespace kvatlas::trainer
