#include "kernels/attention_tile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/attention_probe.h"
#include "tests/kernels/bf16_bits.h"
#include "tests/kernels/probe_case.h"
#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

constexpr TileValue kValues[] = {TileValue::kProbability, TileValue::kLogit, TileValue::kLogProbability};

// One head over `tokens` tokens with its exact log-sum-exp, the source of all tiles.
struct Head {
  std::size_t tokens, head_dim, sliding_window;
  float scale;
  std::vector<float> query, key, lse;
  std::vector<std::uint16_t> query_bits, key_bits;

  Head(std::size_t n, std::size_t d, std::size_t band = 0, float spread = 1)
      : tokens(n), head_dim(d), sliding_window(band), scale(1 / std::sqrt(static_cast<float>(d))) {
    ProbeCase c = randomCase({1, 1, n, d, 0, band, scale}, 1, spread);
    query = std::move(c.query);
    key = std::move(c.key);
    normalise();
  }

  void normalise() {
    lse.assign(tokens, 0);
    ProbeOutput output;
    output.lse = lse.data();
    ASSERT_TRUE(attentionProbeReference({1, 1, tokens, head_dim, 0, sliding_window, scale},
                                        {query.data(), key.data(), nullptr}, output)
                    .ok());
  }

  // Switches to bf16: the floats take the rounded values, so that one reference serves both.
  void roundToBf16() {
    query_bits = toBf16(query);
    key_bits = toBf16(key);
    std::transform(query_bits.begin(), query_bits.end(), query.begin(), fromBf16);
    std::transform(key_bits.begin(), key_bits.end(), key.begin(), fromBf16);
    normalise();
  }

  [[nodiscard]] TileShape shape(TokenRange queries, TokenRange keys) const {
    return {queries, keys, head_dim, sliding_window, scale};
  }
  [[nodiscard]] TileInput input(const TileShape& s) const {
    const std::size_t q = s.queries.begin * head_dim, k = s.keys.begin * head_dim;
    if (query_bits.empty()) return {query.data() + q, key.data() + k, lse.data() + s.queries.begin};
    return {query_bits.data() + q, key_bits.data() + k, lse.data() + s.queries.begin};
  }
};

std::size_t cells(const TileShape& s) {
  return (s.queries.end - s.queries.begin) * (s.keys.end - s.keys.begin);
}

// Masks agree cell by cell; other values agree to `tolerance` relative (probabilities) or absolute (logits).
void expectMatchesReference(const Head& head, TokenRange queries, TokenRange keys, double tolerance = 1e-5) {
  const TileShape shape = head.shape(queries, keys);
  for (const TileValue value : kValues) {
    SCOPED_TRACE(testing::Message() << "value " << static_cast<int>(value) << ", queries " << queries.begin << ":"
                                    << queries.end << ", keys " << keys.begin << ":" << keys.end);
    std::vector<float> actual(cells(shape) + 1, -7.0F);
    std::vector<float> expected(cells(shape), -7.0F);
    ASSERT_TRUE(attentionTile(shape, head.input(shape), value, actual.data()).ok());
    ASSERT_TRUE(attentionTileReference(shape, head.input(shape), value, expected.data()).ok());
    const double floor = value == TileValue::kProbability ? 1e-30 : 1.0;
    double worst = 0;
    for (std::size_t i = 0; i < cells(shape); ++i) {
      ASSERT_EQ(isMasked(actual[i]), isMasked(expected[i])) << "cell " << i;
      if (isMasked(expected[i])) continue;
      const double wanted = static_cast<double>(expected[i]);
      const double error = std::abs(static_cast<double>(actual[i]) - wanted) / std::max(floor, std::abs(wanted));
      worst = error <= worst ? worst : error;
    }
    EXPECT_LE(worst, tolerance);
    EXPECT_EQ(actual.back(), -7.0F) << "wrote past its end";
  }
}

TEST(AttentionTile, AnyRectangleMatchesTheReferenceOnEveryTarget) {
  forEachTarget([] {
    const Head head(700, 24);
    for (const auto& [queries, keys] : std::vector<std::pair<TokenRange, TokenRange>>{{{0, 700}, {0, 700}},
                                                                                      {{699, 700}, {0, 700}},
                                                                                      {{0, 1}, {0, 1}},
                                                                                      {{5, 6}, {5, 6}},
                                                                                      {{100, 231}, {90, 95}},
                                                                                      {{63, 65}, {1, 66}},
                                                                                      {{13, 400}, {77, 690}},
                                                                                      {{600, 613}, {7, 520}}}) {
      expectMatchesReference(head, queries, keys);
    }
  });
}

TEST(AttentionTile, AnyHeadDimInBothTypesOnEveryTarget) {
  forEachTarget([] {
    for (const std::size_t d : {1, 2, 3, 17, 64, 80, 96, 100, 128, 256, 301}) {
      SCOPED_TRACE(d);
      Head head(150, d);
      expectMatchesReference(head, {40, 147}, {3, 101});
      head.roundToBf16();
      expectMatchesReference(head, {40, 147}, {3, 101});
    }
  });
}

TEST(AttentionTile, SlidingWindowsMaskBothSides) {
  forEachTarget([] {
    for (const std::size_t band : {1, 2, 63, 64, 65, 100, 299, 300, 301}) {
      SCOPED_TRACE(band);
      const Head head(300, 20, band);
      expectMatchesReference(head, {0, 300}, {0, 300});
      expectMatchesReference(head, {120, 260}, {33, 222});
    }
  });
}

TEST(AttentionTile, InvisibleRangesAreFullyMasked) {
  const Head head(300, 16, 20);
  for (const auto& [queries, keys] :
       std::vector<std::pair<TokenRange, TokenRange>>{{{10, 60}, {60, 200}}, {{200, 300}, {0, 100}}}) {
    const TileShape shape = head.shape(queries, keys);
    std::vector<float> out(cells(shape), 1.0F);
    ASSERT_TRUE(attentionTile(shape, head.input(shape), TileValue::kProbability, out.data()).ok());
    EXPECT_TRUE(std::ranges::all_of(out, isMasked));
  }
}

TEST(AttentionTile, RowsSumToOneAndZeroIsNotMasked) {
  forEachTarget([] {
    const Head head(260, 64, 0, 5.0F);  // many probabilities below 2^-126
    const TileShape shape = head.shape({0, 260}, {0, 260});
    std::vector<float> out(cells(shape));
    ASSERT_TRUE(attentionTile(shape, head.input(shape), TileValue::kProbability, out.data()).ok());
    std::size_t zeros = 0;
    for (std::size_t i = 0; i < 260; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < 260; ++j) {
        ASSERT_EQ(isMasked(out[i * 260 + j]), j > i);
        sum += j > i ? 0.0 : static_cast<double>(out[i * 260 + j]);
        zeros += j <= i && out[i * 260 + j] == 0.0F ? 1 : 0;
      }
      EXPECT_NEAR(sum, 1.0, 1e-4);  // logits near 100 are rounded to an eighth of that
    }
    EXPECT_GT(zeros, 0U);
  });
}

// Logits that float represents exactly: `magnitude` plus a quarter of small integers.
Head exactLogits(std::size_t tokens, float magnitude) {
  Head head(tokens, 4);
  head.scale = 0.5F;
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      head.query[i * 4 + k] = k == 0 ? 2.0F : 0.0F;
      head.key[i * 4 + k] = k == 0 ? magnitude + static_cast<float>(i * 7 % 11) * 0.25F : 1.0F;
    }
  }
  head.normalise();
  return head;
}

TEST(AttentionTile, HugeLogitsAndLseFarBelowMinusEightyEight) {
  // exp(0 − lse) overflows at −100 and −300: a padded key with score 0 instead of a mask would be visible.
  forEachTarget([] {
    for (const float magnitude : {-100.0F, -300.0F, 300.0F, 4096.0F, -4096.0F}) {
      SCOPED_TRACE(magnitude);
      const Head head = exactLogits(131, magnitude);
      // lse is a float: its rounding becomes a relative error of the probability.
      expectMatchesReference(head, {60, 131}, {1, 131}, 1e-6 + std::abs(static_cast<double>(magnitude)) * 1.2e-7);
    }
  });
}

TEST(AttentionTile, LogitsFarApartGiveExactZeroAndAFiniteLogarithm) {
  forEachTarget([] {
    Head head = exactLogits(40, 0);
    head.key[7 * 4] = -5000.0F;
    head.normalise();
    const TileShape shape = head.shape({30, 40}, {5, 10});
    std::vector<float> p(cells(shape)), log_p(cells(shape));
    ASSERT_TRUE(attentionTile(shape, head.input(shape), TileValue::kProbability, p.data()).ok());
    ASSERT_TRUE(attentionTile(shape, head.input(shape), TileValue::kLogProbability, log_p.data()).ok());
    EXPECT_EQ(p[2], 0.0F);
    EXPECT_FALSE(isMasked(p[2]));
    EXPECT_NEAR(static_cast<double>(log_p[2]), -5000 - static_cast<double>(head.lse[30]), 1e-2);
  });
}

TEST(AttentionTile, TinyAndDenormalInputs) {
  forEachTarget([] {
    for (const float spread : {1e-4F, 1e-41F}) {
      Head head(90, 16, 0, spread);
      expectMatchesReference(head, {10, 90}, {0, 88});
      head.roundToBf16();
      expectMatchesReference(head, {10, 90}, {0, 88});
    }
  });
}

TEST(AttentionTile, ReportsTheFirstCellThatIsNotFinite) {
  forEachTarget([] {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (const bool bf16 : {false, true}) {
        Head head(1300, 8);
        if (bf16) head.roundToBf16();
        const auto spoil = [&](std::vector<float>& floats, std::vector<std::uint16_t>& bits, std::size_t token) {
          floats[token * 8 + 3] = bad;
          if (bf16) bits[token * 8 + 3] = std::isnan(bad) ? 0x7fc0 : 0x7f80;
        };
        spoil(head.key, head.key_bits, 1200);
        spoil(head.key, head.key_bits, 90);
        const TileShape shape = head.shape({85, 1290}, {10, 1300});
        std::vector<float> out(cells(shape));
        for (const unsigned threads : {1U, 3U}) {
          const TileReport report =
              attentionTile(shape, head.input(shape), TileValue::kProbability, out.data(), threads);
          EXPECT_EQ(report.bad_query, 90);
          EXPECT_EQ(report.bad_key, 90);
        }
        const TileReport reference =
            attentionTileReference(shape, head.input(shape), TileValue::kProbability, out.data());
        EXPECT_EQ(reference.bad_query, 90);
        EXPECT_EQ(reference.bad_key, 90);
        // Rows above the first bad key are unaffected.
        const TileShape above = head.shape({20, 90}, {10, 1300});
        EXPECT_TRUE(attentionTile(above, head.input(above), TileValue::kProbability, out.data()).ok());
      }
    }
  });
}

TEST(AttentionTile, ReportsALogSumExpThatIsNotFinite) {
  Head head(50, 8);
  head.lse[33] = -std::numeric_limits<float>::infinity();
  const TileShape shape = head.shape({30, 50}, {0, 50});
  std::vector<float> out(cells(shape));
  const TileReport report = attentionTile(shape, head.input(shape), TileValue::kProbability, out.data());
  EXPECT_EQ(report.bad_query, 33);
  EXPECT_EQ(report.bad_key, -1);
  EXPECT_EQ(attentionTileReference(shape, head.input(shape), TileValue::kProbability, out.data()).bad_query, 33);
  EXPECT_TRUE(attentionTile(shape, head.input(shape), TileValue::kLogit, out.data()).ok()) << "logits need none";
}

TEST(AttentionTile, ThreadsDoNotChangeABit) {
  const Head head(2100, 40);
  const TileShape shape = head.shape({100, 2100}, {3, 2090});
  std::vector<float> one(cells(shape)), many(cells(shape));
  ASSERT_TRUE(attentionTile(shape, head.input(shape), TileValue::kLogProbability, one.data(), 1).ok());
  for (const unsigned threads : {2U, 5U}) {
    ASSERT_TRUE(attentionTile(shape, head.input(shape), TileValue::kLogProbability, many.data(), threads).ok());
    EXPECT_TRUE(std::equal(one.begin(), one.end(), many.begin(),
                           [](float a, float b) { return (isMasked(a) && isMasked(b)) || a == b; }));
  }
}

TEST(AttentionTile, ATileOfAProbedHeadEqualsItsWindow) {
  // The probe's own probability rows and log-sum-exp: both kernels must give the same attention.
  const ProbeCase c = randomCase({1, 1, 600, 64, 600, 0, 0.125F}, 8);
  ProbeBuffers probe(c.shape, c.cell);
  ASSERT_TRUE(attentionProbe(c.shape, c.input(), probe.output).ok());
  std::vector<float> out(600 * 600);
  ASSERT_TRUE(attentionTile({{0, 600}, {0, 600}, 64, 0, 0.125F}, {c.query.data(), c.key.data(), probe.lse.data()},
                            TileValue::kProbability, out.data())
                  .ok());
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (isMasked(out[i])) {
      EXPECT_EQ(probe.window_rows[i], 0.0F);
    } else {
      ASSERT_NEAR(static_cast<double>(out[i]), static_cast<double>(probe.window_rows[i]),
                  2e-6 * static_cast<double>(out[i]));
    }
  }
}

TEST(AttentionTile, RefusesInvalidShapes) {
  const Head head(20, 8);
  std::vector<float> out(400);
  const auto tile = [&](auto&& change) {
    TileShape shape = head.shape({0, 20}, {0, 20});
    TileInput input = head.input(shape);
    change(shape, input);
    (void)attentionTile(shape, input, TileValue::kProbability, out.data());
  };
  using S = TileShape;
  using I = TileInput;
  EXPECT_NO_THROW(tile([](S&, I&) {}));
  EXPECT_THROW(tile([](S& s, I&) { s.queries = {5, 5}; }), std::invalid_argument);
  EXPECT_THROW(tile([](S& s, I&) { s.keys = {9, 5}; }), std::invalid_argument);
  EXPECT_THROW(tile([](S& s, I&) { s.head_dim = 0; }), std::invalid_argument);
  EXPECT_THROW(tile([](S& s, I&) { s.scale = -1; }), std::invalid_argument);
  EXPECT_THROW(tile([](S&, I& i) { i.lse = nullptr; }), std::invalid_argument);
  EXPECT_THROW(tile([](S&, I& i) { i.key = FloatArray(); }), std::invalid_argument);
  const std::vector<std::uint16_t> bits(160);
  EXPECT_THROW(tile([&](S&, I& i) { i.key = bits.data(); }), std::invalid_argument);
}

}  // namespace
}  // namespace kvatlas::kernels
