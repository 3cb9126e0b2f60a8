// The prefill attention against a plain double-precision softmax.
#include "capture/model/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/item.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "capture/model/cuda_attention.h"
#include "core/base/error.h"

namespace kvatlas::capture {
namespace {

struct Case {
  std::int64_t tokens, query_heads, kv_heads, dim;
  std::uint64_t window;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.tokens << " tokens, " << c.query_heads << "/" << c.kv_heads << " heads of " << c.dim << ", window "
             << c.window;
}

at::Tensor randomTensor(std::int64_t heads, std::int64_t tokens, std::int64_t dim, std::uint32_t seed) {
  std::mt19937 generator(seed);
  at::Tensor tensor = at::empty({heads, tokens, dim}, at::kFloat);
  std::generate_n(tensor.mutable_data_ptr<float>(), tensor.numel(),
                  [&] { return static_cast<float>(generator()) / 2147483648.0F * 2 - 2; });
  return tensor;
}

// The outputs of one query row, and its log-sum-exp as the last element.
std::vector<double> naiveRow(const Case& c, const float* query, const float* keys, const float* values,
                             std::int64_t i) {
  const std::int64_t first = c.window > 0 ? std::max<std::int64_t>(0, i + 1 - static_cast<std::int64_t>(c.window)) : 0;
  std::vector<double> row(static_cast<std::size_t>(c.dim) + 1, 0.0);
  double total = 0;
  for (std::int64_t j = first; j <= i; ++j) {
    double score = 0;
    for (std::int64_t x = 0; x < c.dim; ++x) score += static_cast<double>(query[x]) * keys[j * c.dim + x];
    const double weight = std::exp(score / std::sqrt(static_cast<double>(c.dim)));
    total += weight;
    for (std::int64_t x = 0; x < c.dim; ++x) row[static_cast<std::size_t>(x)] += weight * values[j * c.dim + x];
  }
  for (double& x : row) x /= total;
  row.back() = std::log(total);
  return row;
}

class CausalAttention : public testing::TestWithParam<Case> {};

TEST_P(CausalAttention, AgreesWithDoublePrecision) {
  const Case c = GetParam();
  const at::Tensor query = randomTensor(c.query_heads, c.tokens, c.dim, 1);
  const at::Tensor key = randomTensor(c.kv_heads, c.tokens, c.dim, 2);
  const at::Tensor value = randomTensor(c.kv_heads, c.tokens, c.dim, 3);
  int calls = 0;
  const AttentionOutput result = causalAttention(query, key, value, c.window, [&] { ++calls; });
  ASSERT_EQ(result.output.sizes(), query.sizes());
  ASSERT_EQ(result.lse.sizes(), (std::vector<std::int64_t>{c.query_heads, c.tokens}));
  EXPECT_GE(calls, 1);

  const at::Tensor output = result.output.contiguous(), lse = result.lse.contiguous();
  double worst_output = 0, worst_lse = 0;
  for (std::int64_t head = 0; head < c.query_heads; ++head) {
    const std::int64_t shared = head / (c.query_heads / c.kv_heads) * c.tokens * c.dim;
    for (std::int64_t i = 0; i < c.tokens; ++i) {
      const std::int64_t at = head * c.tokens + i;
      const std::vector<double> expected =
          naiveRow(c, query.const_data_ptr<float>() + at * c.dim, key.const_data_ptr<float>() + shared,
                   value.const_data_ptr<float>() + shared, i);
      // !(a ≤ b): NaN counts as wrong.
      for (std::int64_t x = 0; x < c.dim; ++x) {
        const double error =
            std::abs(output.const_data_ptr<float>()[at * c.dim + x] - expected[static_cast<std::size_t>(x)]);
        if (!(error <= worst_output)) worst_output = error;
      }
      const double error = std::abs(lse.const_data_ptr<float>()[at] - expected.back());
      if (!(error <= worst_lse)) worst_lse = error;
    }
  }
  EXPECT_LE(worst_output, 3e-6);
  EXPECT_LE(worst_lse, 2e-6);
  RecordProperty("lse_error", testing::PrintToString(worst_lse));
}

INSTANTIATE_TEST_SUITE_P(Shapes, CausalAttention,
                         testing::Values(Case{1, 2, 1, 8, 0}, Case{1, 2, 1, 8, 1}, Case{257, 4, 2, 32, 0},
                                         Case{257, 4, 2, 32, 0}, Case{600, 6, 3, 64, 0}, Case{40, 6, 3, 64, 0},
                                         Case{600, 4, 1, 64, 1}, Case{600, 4, 1, 64, 31}, Case{600, 4, 4, 32, 256},
                                         Case{600, 2, 1, 128, 599}, Case{600, 2, 1, 32, 600}, Case{600, 2, 1, 32, 5000},
                                         Case{150, 4, 2, 32, 100}, Case{1500, 2, 1, 24, 600}));

// Queries of the last positions alone: the same rows, and the same by plain products, which serve devices.
TEST(CausalAttentionOfTheLastQueries, EqualsTheirRowsOfTheWhole) {
  const at::Tensor query = randomTensor(4, 300, 32, 1), key = randomTensor(2, 300, 32, 2),
                   value = randomTensor(2, 300, 32, 3);
  for (const std::uint64_t window : {0, 50, 120, 290, 400})
    for (const std::int64_t count : {1, 70, 299}) {
      SCOPED_TRACE(testing::Message() << count << " queries, window " << window);
      const at::Tensor last = query.narrow(1, 300 - count, count).contiguous();
      const AttentionOutput whole = causalAttention(query, key, value, window, [] {}),
                            some = causalAttention(last, key, value, window, [] {}),
                            plain = plainAttention(last, key, value, window, 64);
      ASSERT_EQ(some.output.sizes(), last.sizes());
      const at::Tensor expected = whole.output.narrow(1, 300 - count, count);
      EXPECT_TRUE(some.output.equal(expected));
      EXPECT_TRUE(some.lse.equal(whole.lse.narrow(1, 300 - count, count)));
      EXPECT_LE((plain.output - expected).abs().max().item<float>(), 3e-6F);
    }
}

TEST(CausalAttentionOf16BitTypes, StaysWithinTheirRounding) {
  const at::Tensor query = randomTensor(4, 300, 32, 1), key = randomTensor(2, 300, 32, 2),
                   value = randomTensor(2, 300, 32, 3);
  for (const std::uint64_t window : {std::uint64_t{0}, std::uint64_t{50}}) {
    const at::Tensor exact = causalAttention(query, key, value, window, [] {}).output;
    for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
      const at::Tensor rough = causalAttention(query.to(type), key.to(type), value.to(type), window, [] {}).output;
      EXPECT_EQ(rough.scalar_type(), type);
      EXPECT_LE((rough.to(at::kFloat) - exact).abs().max().item<float>(), type == at::kHalf ? 4e-3F : 3e-2F);
    }
  }
}

TEST(CausalAttentionBetweenBlocks, CanBeStopped) {
  const at::Tensor tensor = randomTensor(2, 500, 8, 1);
  int calls = 0;
  const auto stopAtThird = [&] {
    if (++calls == 3) throw Cancelled();
  };
  EXPECT_THROW(static_cast<void>(causalAttention(tensor, tensor, tensor, 0, stopAtThird)), Cancelled);
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace kvatlas::capture
