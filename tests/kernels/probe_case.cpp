#include "tests/kernels/probe_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/kernels/bf16_bits.h"

namespace kvatlas::kernels {

ProbeBuffers::ProbeBuffers(const ProbeShape& shape, std::size_t cell) {
  const std::size_t rows = shape.query_heads * shape.tokens;
  // Filled with a value that no output may keep, to expose outputs that a kernel did not write.
  for (std::vector<float>* vector : {&lse, &entropy, &received, &window_sum}) {
    vector->assign(rows, -7.0F);
  }
  window_rows.assign(rows * shape.window, -7.0F);
  output = {.lse = lse.data(),
            .entropy = entropy.data(),
            .received = received.data(),
            .window_sum = window_sum.data(),
            .window_rows = window_rows.data()};
  if (cell > 0) {
    const std::size_t cells = (shape.tokens + cell - 1) / cell;
    map_mean.assign(shape.query_heads * cells * cells, -7.0F);
    map_max = map_mean;
    output.map_mean = map_mean.data();
    output.map_max = map_max.data();
    output.cell = cell;
  }
}

bool ProbeBuffers::operator==(const ProbeBuffers& other) const {
  return lse == other.lse && entropy == other.entropy && received == other.received && window_sum == other.window_sum &&
         window_rows == other.window_rows && map_mean == other.map_mean && map_max == other.map_max;
}

ProbeCase randomCase(const ProbeShape& shape, std::size_t cell, float spread, unsigned seed) {
  ProbeCase c{shape, cell, {}, {}, {}, {}};
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  c.query.resize(shape.query_heads * shape.tokens * shape.head_dim);
  c.key.resize(shape.kv_heads * shape.tokens * shape.head_dim);
  std::generate(c.query.begin(), c.query.end(), [&] { return normal(random); });
  std::generate(c.key.begin(), c.key.end(), [&] { return normal(random); });
  return c;
}

ProbeCase inBf16(ProbeCase c) {
  c.query_bits = toBf16(c.query);
  c.key_bits = toBf16(c.key);
  return c;
}

double worstError(const std::vector<float>& actual, const std::vector<float>& expected, double floor) {
  double worst = actual.size() == expected.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
    const double wanted = static_cast<double>(expected[i]);
    const double error = std::abs(static_cast<double>(actual[i]) - wanted) / std::max(std::abs(wanted), floor);
    worst = error <= worst ? worst : error;  // NaN counts as the worst
  }
  return worst;
}

void expectMatchesReference(const ProbeCase& c, double tolerance, double lse_tolerance) {
  ProbeBuffers actual(c.shape, c.cell);
  ProbeBuffers expected(c.shape, c.cell);
  ASSERT_TRUE(attentionProbe(c.shape, c.input(), actual.output).ok());
  ASSERT_TRUE(attentionProbeReference(c.shape, c.input(), expected.output).ok());
  // Below the floor a float probability is denormal or a sum of a few denormals.
  constexpr double kFloor = 1e-30;
  EXPECT_LE(worstError(actual.lse, expected.lse, 1.0), lse_tolerance);
  EXPECT_LE(worstError(actual.entropy, expected.entropy, 0.1), tolerance);
  EXPECT_LE(worstError(actual.received, expected.received, kFloor), tolerance);
  EXPECT_LE(worstError(actual.window_sum, expected.window_sum, kFloor), tolerance);
  EXPECT_LE(worstError(actual.window_rows, expected.window_rows, kFloor), tolerance);
  EXPECT_LE(worstError(actual.map_mean, expected.map_mean, kFloor), tolerance);
  EXPECT_LE(worstError(actual.map_max, expected.map_max, kFloor), tolerance);
}

}  // namespace kvatlas::kernels
