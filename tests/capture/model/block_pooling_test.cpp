// SeerAttention's pooled map by library calls against the largest probabilities of the double-precision reference.
#include "capture/model/block_pooling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/attention_probe.h"

namespace kvatlas::capture {
namespace {

struct Case {
  std::int64_t query_heads, kv_heads, tokens, d, block;
};

// The reference's map of largest values, each row divided by its sum.
std::vector<double> expectedMap(const Case& c, const at::Tensor& query, const at::Tensor& key) {
  const auto n = static_cast<std::size_t>((c.tokens + c.block - 1) / c.block);
  std::vector<float> largest(static_cast<std::size_t>(c.query_heads) * n * n);
  const kernels::ProbeShape shape{.query_heads = static_cast<std::size_t>(c.query_heads),
                                  .kv_heads = static_cast<std::size_t>(c.kv_heads),
                                  .tokens = static_cast<std::size_t>(c.tokens),
                                  .head_dim = static_cast<std::size_t>(c.d),
                                  .scale = 1.0F / std::sqrt(static_cast<float>(c.d))};
  EXPECT_TRUE(kernels::attentionProbeReference(shape, {query.const_data_ptr<float>(), key.const_data_ptr<float>()},
                                               {.map_max = largest.data(), .cell = static_cast<std::size_t>(c.block)})
                  .ok());
  std::vector<double> map(largest.begin(), largest.end());
  for (std::size_t row = 0; row < map.size(); row += n) {
    double sum = 0;
    for (std::size_t i = row; i < row + n; ++i) sum += map[i];
    for (std::size_t i = row; i < row + n; ++i) map[i] /= sum;
  }
  return map;
}

TEST(BlockPooling, isTheReferencesMapOfLargestValues) {
  for (const Case& c :
       {Case{1, 1, 1, 16, 64}, Case{4, 2, 130, 32, 64}, Case{6, 2, 300, 64, 32}, Case{2, 1, 256, 80, 64}}) {
    SCOPED_TRACE(c.tokens);
    const at::Tensor query = at::randn({c.query_heads, c.tokens, c.d}), key = at::randn({c.kv_heads, c.tokens, c.d});
    const std::vector<double> expected = expectedMap(c, query, key);
    for (const std::int64_t most_bytes : {std::int64_t{1}, std::int64_t{150000}, std::int64_t{1} << 30}) {
      const at::Tensor map = blockMaxPooling(query, key, c.block, most_bytes);
      const std::int64_t n = (c.tokens + c.block - 1) / c.block;
      ASSERT_EQ(map.sizes(), (at::IntArrayRef{c.query_heads, n, n}));
      for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(map.const_data_ptr<float>()[i], expected[i], 2e-6) << i;
    }
  }
}

// 16-bit scores are rounded before the exponential, as in a library's product.
TEST(BlockPooling, roundsScoresOf16Bits) {
  const Case c{2, 1, 200, 64, 64};
  const at::Tensor query = at::randn({c.query_heads, c.tokens, c.d}).to(at::kBFloat16),
                   key = at::randn({c.kv_heads, c.tokens, c.d}).to(at::kBFloat16);
  const std::vector<double> expected =
      expectedMap(c, query.to(at::kFloat).contiguous(), key.to(at::kFloat).contiguous());
  const at::Tensor map = blockMaxPooling(query, key, c.block);
  EXPECT_EQ(map.scalar_type(), at::kFloat);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(map.const_data_ptr<float>()[i], expected[i], 0.02) << i;
}

}  // namespace
}  // namespace kvatlas::capture
