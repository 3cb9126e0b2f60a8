// The steps between a decoder layer's products against the same in double precision, on every SIMD target.
#include "kernels/decoder_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/bf16_bits.h"
#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

std::vector<float> randomValues(std::size_t count, unsigned seed, float spread = 2.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> values(count);
  std::generate(values.begin(), values.end(), [&] { return normal(random); });
  return values;
}

// Numbers in one of the two types.
struct Values {
  bool bf16 = false;
  std::vector<float> f32;
  std::vector<std::uint16_t> bits;
  Values(std::vector<float> values, bool in_bf16) : bf16(in_bf16), f32(std::move(values)) {
    if (bf16) bits = toBf16(f32);
  }
  [[nodiscard]] FloatArray array() const { return bf16 ? FloatArray(bits.data()) : FloatArray(f32.data()); }
  [[nodiscard]] ConstRows rows(std::size_t stride, std::size_t first = 0) const {
    return {array().from(first), stride};
  }
  [[nodiscard]] Rows target(std::size_t stride) {
    return {bf16 ? nullptr : f32.data(), bf16 ? bits.data() : nullptr, stride};
  }
  [[nodiscard]] double operator[](std::size_t i) const { return static_cast<double>(array()[i]); }
};

// One unit in the last place of bf16, or rounding of a few f32 steps.
void expectNear(const Values& actual, std::size_t i, double wanted, double scale = 0) {
  const double size = std::max(std::abs(wanted), scale);
  EXPECT_NEAR(actual[i], wanted, size * (actual.bf16 ? 1.0 / 128 : 2e-6) + 1e-30) << i;
}

constexpr std::size_t kRows = 3;

class DecoderRows : public testing::TestWithParam<std::tuple<std::size_t, bool>> {
 protected:
  std::size_t width = std::get<0>(GetParam());
  bool bf16 = std::get<1>(GetParam());
  std::size_t stride = width + 5;
  RowShape shape{kRows, width};
  [[nodiscard]] Values values(unsigned seed, float spread = 2.0F) const {
    return {randomValues(kRows * stride, seed, spread), bf16};
  }
  // The norm of row r of x, in double.
  [[nodiscard]] double normed(const Values& x, const Values& weight, std::size_t r, std::size_t i) const {
    double squares = 0;
    for (std::size_t k = 0; k < width; ++k) squares += x[r * stride + k] * x[r * stride + k];
    return weight[i] * x[r * stride + i] / std::sqrt(squares / static_cast<double>(width) + 1e-5);
  }
};

TEST_P(DecoderRows, Norm) {
  forEachTarget([&] {
    const Values x = values(1), weight = values(2);
    Values out = values(3);
    normRows(shape, x.rows(stride), weight.array(), 1e-5F, out.target(stride));
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t i = 0; i < width; ++i) expectNear(out, r * stride + i, normed(x, weight, r, i));
    EXPECT_EQ(out[width], values(3)[width]) << "wrote past the row";
  });
}

TEST_P(DecoderRows, ResidualAndItsNorm) {
  forEachTarget([&] {
    const Values delta = values(1), weight = values(2);
    Values residual = values(3), alone = values(3), out = values(4);
    addAndNormRows(shape, residual.target(stride), delta.rows(stride), weight.array(), 1e-5F, out.target(stride));
    addRows(shape, alone.target(stride), delta.rows(stride));
    const Values before = values(3);
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t i = 0; i < width; ++i) {
        const std::size_t at = r * stride + i;
        expectNear(residual, at, before[at] + delta[at]);
        EXPECT_EQ(alone[at], residual[at]);
        expectNear(out, at, normed(residual, weight, r, i));
      }
  });
}

TEST_P(DecoderRows, GatedActivation) {
  forEachTarget([&] {
    const Values up = values(1);
    Values gate = values(2, 30.0F);
    const Values before = gate;
    gateRows(shape, gate.rows(stride), up.rows(stride), gate.target(stride));
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t i = 0; i < width; ++i) {
        const std::size_t at = r * stride + i;
        const double wanted = before[at] / (1 + std::exp(-before[at])) * up[at];
        // The exponent itself is rounded: a hundred times the unit in the last place of its fraction.
        expectNear(gate, at, wanted, 5 * std::abs(wanted));
      }
  });
}

TEST_P(DecoderRows, Rotation) {
  if (width % 2 == 1) return;
  constexpr std::size_t kHeads = 2;
  forEachTarget([&] {
    const std::size_t half = width / 2, row = kHeads * width + 3;
    const Values in(randomValues(kRows * row, 1), bf16);
    const Values cosine(randomValues(kRows * half, 2, 0.7F), bf16), sine(randomValues(kRows * half, 3, 0.7F), bf16);
    Values out(std::vector<float>(kHeads * kRows * width), bf16);
    rotateRows({.count = kRows,
                .heads = kHeads,
                .head_dim = width,
                .in = in.rows(row),
                .cosine = cosine.array(),
                .sine = sine.array(),
                .out = out.target(width),
                .head_stride = kRows * width});
    for (std::size_t token = 0; token < kRows; ++token)
      for (std::size_t head = 0; head < kHeads; ++head)
        for (std::size_t k = 0; k < half; ++k) {
          const double a = in[token * row + head * width + k], b = in[token * row + head * width + half + k];
          const double c = cosine[token * half + k], s = sine[token * half + k];
          const std::size_t at = (head * kRows + token) * width + k;
          expectNear(out, at, a * c - b * s, std::abs(a * c) + std::abs(b * s));
          expectNear(out, at + half, b * c + a * s, std::abs(b * c) + std::abs(a * s));
        }
  });
}

INSTANTIATE_TEST_SUITE_P(Widths, DecoderRows,
                         testing::Combine(testing::Values(1, 2, 7, 16, 30, 64, 100, 576), testing::Bool()));

// Values that bf16 holds exactly, so that each rounding is known: what Transformers computes with tensors of bf16.
TEST(DecoderRowsBf16, RoundsAfterEveryStep) {
  forEachTarget([] {
    const std::vector<std::uint16_t> in = toBf16(std::vector<float>{1.0F, 1.0F}),
                                     cosine = toBf16(std::vector<float>{1.0078125F}),
                                     sine = toBf16(std::vector<float>{0.00390625F});
    std::vector<std::uint16_t> out(2);
    rotateRows({.count = 1,
                .heads = 1,
                .head_dim = 2,
                .in = {in.data(), 2},
                .cosine = cosine.data(),
                .sine = sine.data(),
                .out = {nullptr, out.data(), 2},
                .head_stride = 2});
    EXPECT_EQ(fromBf16(out[0]), 1.0F);       // 1.00390625 lies half way: to even
    EXPECT_EQ(fromBf16(out[1]), 1.015625F);  // 1.01171875 lies half way: to even
  });
}

// Transformers' norm rounds x / √(…) to the compute type before the weight; one rounding at the end gives other bits.
TEST(DecoderRowsBf16, NormRoundsBeforeItsWeight) {
  constexpr std::size_t kWidth = 64;
  std::vector<float> row(kWidth, 1.0F);
  std::fill_n(row.begin(), kWidth / 2, 3.0F);  // the mean of the squares is 5, exactly
  const float factor = 1 / std::sqrt(5.0F);
  const std::vector<std::uint16_t> weight = toBf16(randomValues(kWidth, 7)), in = toBf16(row);
  std::size_t others = 0;
  std::vector<float> wanted(kWidth);
  for (std::size_t i = 0; i < kWidth; ++i) {
    wanted[i] = fromBf16(toBf16(row[i] * factor)) * fromBf16(weight[i]);
    others += toBf16(row[i] * factor * fromBf16(weight[i])) != toBf16(wanted[i]) ? 1 : 0;
  }
  ASSERT_GT(others, 4U);
  forEachTarget([&] {
    std::vector<std::uint16_t> out(kWidth);
    normRows({1, kWidth}, {in.data(), kWidth}, weight.data(), 0, {nullptr, out.data(), kWidth});
    EXPECT_EQ(out, toBf16(wanted));
  });
}

TEST(DecoderRowsBf16, NotANumberStays) {
  forEachTarget([] {
    std::vector<std::uint16_t> rows = toBf16(std::vector<float>(20, 1.0F));
    const std::vector<std::uint16_t> weight = rows;
    rows[3] = 0x7fc0;
    normRows({1, 20}, {rows.data(), 20}, weight.data(), 1e-5F, {nullptr, rows.data(), 20});
    for (const std::uint16_t bits : rows) EXPECT_TRUE(std::isnan(fromBf16(bits)));
  });
}

}  // namespace
}  // namespace kvatlas::kernels
