// Products through packed weights: the same numbers as at::linear's, and the same bits in any batch on any threads.
#include "capture/model/products.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/item.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "capture/model/host_threads.h"

namespace kvatlas::capture {
namespace {

at::Tensor randomMatrix(std::int64_t rows, std::int64_t columns, std::uint32_t seed, at::ScalarType type) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  at::Tensor tensor = at::empty({rows, columns}, at::kFloat);
  std::generate_n(tensor.mutable_data_ptr<float>(), tensor.numel(), [&] { return normal(generator); });
  return tensor.to(type);
}

Linear randomLinear(std::int64_t out, std::int64_t in, std::uint32_t seed, at::ScalarType type) {
  return {randomMatrix(out, in, seed, type), randomMatrix(1, out, seed + 1, type).squeeze(0), {}};
}

class PackedProduct : public testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override {
    if (!packable(GetParam())) GTEST_SKIP() << "this processor has no bf16 products in oneDNN";
  }
};

TEST_P(PackedProduct, AgreesWithDoublePrecision) {
  Linear linear = randomLinear(80, 200, 1, GetParam());
  const at::Tensor rows = randomMatrix(33, 200, 3, GetParam());
  const at::Tensor exact = at::matmul(rows.to(at::kDouble), linear.weight.to(at::kDouble).t()) + linear.bias;
  pack(linear);
  EXPECT_FALSE(linear.weight.defined());
  const double tolerance = GetParam() == at::kFloat ? 1e-6 : 1e-2;
  EXPECT_LE((product(linear, rows) - exact).abs().max().item<double>(), tolerance * exact.abs().max().item<double>());
}

TEST_P(PackedProduct, ARowHasTheSameBitsInAnyBatchOnAnyThreads) {
  for (const auto& [out, in] : {std::pair(64, 32), std::pair(192, 576), std::pair(512, 2048)}) {
    Linear linear = randomLinear(out, in, 1, GetParam());
    pack(linear);
    const at::Tensor rows = randomMatrix(300, in, 3, GetParam());
    const at::Tensor expected = product(linear, rows);
    for (const int threads : {1, 2, 3}) {
      const LibraryThreads library(threads);
      for (const std::int64_t count : {1, 2, 3, 7, 16, 17, 128, 300})
        EXPECT_TRUE(at::equal(product(linear, rows.narrow(0, 0, count)), expected.narrow(0, 0, count)))
            << out << "×" << in << ", " << count << " rows, " << threads << " threads";
    }
  }
}

TEST_P(PackedProduct, JoinedProductsStandSideBySide) {
  const Linear a = randomLinear(48, 96, 1, GetParam()), b = randomLinear(32, 96, 5, GetParam());
  const at::Tensor rows = randomMatrix(9, 96, 3, GetParam());
  Linear both = joined(std::array{&a, &b});
  pack(both);
  const at::Tensor wanted = at::cat({product(a, rows), product(b, rows)}, 1);
  EXPECT_LE((product(both, rows) - wanted).abs().max().item<double>(),
            (GetParam() == at::kFloat ? 1e-6 : 1e-2) * wanted.abs().max().item<double>());
}

INSTANTIATE_TEST_SUITE_P(Types, PackedProduct, testing::Values(at::kFloat, at::kBFloat16));

TEST(Packable, SinglePrecisionAlwaysIsAndHalfNever) {
  EXPECT_TRUE(packable(at::kFloat));
  EXPECT_FALSE(packable(at::kHalf));
  EXPECT_FALSE(packable(at::kDouble));
}

}  // namespace
}  // namespace kvatlas::capture
