#include "kernels/attention_probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <tuple>

#include "kernels/map_pool.h"
#include "tests/kernels/probe_case.h"
#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

ProbeShape makeShape(std::size_t query_heads, std::size_t kv_heads, std::size_t tokens, std::size_t head_dim,
                     std::size_t window, std::size_t sliding_window = 0) {
  return {query_heads,
          kv_heads,
          tokens,
          head_dim,
          std::min(window, tokens),
          sliding_window,
          1.0F / std::sqrt(static_cast<float>(head_dim))};
}

class ProbeLengths : public testing::TestWithParam<std::size_t> {};

TEST_P(ProbeLengths, matchesReferenceOnEveryTarget) {
  forEachTarget([] {
    expectMatchesReference(randomCase(makeShape(4, 2, GetParam(), 32, 8), 8));
    expectMatchesReference(randomCase(makeShape(1, 1, GetParam(), 17, 3, 5), 1));
    expectMatchesReference(randomCase(makeShape(2, 1, GetParam(), 48, GetParam(), 70), 64));
  });
}
INSTANTIATE_TEST_SUITE_P(All, ProbeLengths,
                         testing::Values(1, 2, 5, 6, 7, 12, 31, 63, 64, 65, 70, 127, 128, 129, 191, 257, 333));

class ProbeHeadDims : public testing::TestWithParam<std::size_t> {};

TEST_P(ProbeHeadDims, matchesReferenceOnEveryTarget) {
  forEachTarget([] { expectMatchesReference(randomCase(makeShape(2, 1, 150, GetParam(), 9), 16)); });
}

TEST_P(ProbeHeadDims, bf16MatchesReferenceOnEveryTarget) {
  forEachTarget([] {
    expectMatchesReference(inBf16(randomCase(makeShape(2, 1, 150, GetParam(), 9), 16)));
    expectMatchesReference(inBf16(randomCase(makeShape(4, 2, 71, GetParam(), 9, 33), 4)));
  });
}
INSTANTIATE_TEST_SUITE_P(All, ProbeHeadDims, testing::Values(1, 2, 3, 32, 64, 80, 96, 100, 128, 129, 256, 1100));

class ProbeCells : public testing::TestWithParam<std::size_t> {};

TEST_P(ProbeCells, mapsMatchReference) {
  expectMatchesReference(randomCase(makeShape(2, 2, 1301, 16, 8), GetParam()));
  expectMatchesReference(randomCase(makeShape(2, 2, 1301, 16, 333, 600), GetParam()));
}
INSTANTIATE_TEST_SUITE_P(All, ProbeCells, testing::Values(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048));

TEST(AttentionProbe, slidingWindowsOfEverySize) {
  for (const std::size_t band : {1, 2, 6, 63, 64, 65, 200, 511, 512, 699, 700, 701}) {
    SCOPED_TRACE(band);
    expectMatchesReference(randomCase(makeShape(1, 1, 700, 24, 20, band), 8));
  }
}

TEST(AttentionProbe, groupedHeadsReadTheirKeys) {
  for (const std::size_t kv_heads : {1, 2, 3, 6}) {
    SCOPED_TRACE(kv_heads);
    expectMatchesReference(randomCase(makeShape(6, kv_heads, 90, 20, 8), 4));
  }
}

TEST(AttentionProbe, severalSpansPerSegment) {
  // 128 query heads leave one segment, 40 leave three: more blocks than segments in both cases.
  expectMatchesReference(randomCase(makeShape(128, 8, 600, 4, 2), 8));
  expectMatchesReference(randomCase(makeShape(40, 40, 2100, 4, 2), 64));
}

// Logits that float represents exactly (small integers times a power of two), so only the kernel's rounding remains.
ProbeCase exactLogits(std::size_t tokens, float magnitude) {
  ProbeCase c = randomCase(makeShape(1, 1, tokens, 4, 5), 8);
  c.shape.scale = 0.5F;
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      c.query[i * 4 + k] = k == 0 ? 2.0F : 0.0F;
      c.key[i * 4 + k] = k == 0 ? magnitude + static_cast<float>(i * 7 % 11) * 0.25F : 1.0F;
    }
  }
  return c;
}

TEST(AttentionProbe, hugeLogits) {
  forEachTarget([] {
    for (const float magnitude : {1e4F, -1e4F, 65536.0F}) {
      SCOPED_TRACE(magnitude);
      expectMatchesReference(exactLogits(77, magnitude));
    }
  });
}

TEST(AttentionProbe, hugeRandomLogitsKeepTheirMass) {
  forEachTarget([] {
    const ProbeCase c =
        randomCase(makeShape(1, 1, 200, 16, 8), 8, 90.0F);  // logits up to ±1e5: rows are nearly one-hot
    ProbeBuffers b(c.shape, c.cell);
    ASSERT_TRUE(attentionProbe(c.shape, c.input(), b.output).ok());
    double total = 0;
    for (const float r : b.received) {
      total += static_cast<double>(r);
    }
    EXPECT_NEAR(total, 200.0, 1e-4);
  });
}

TEST(AttentionProbe, tinyLogits) {
  forEachTarget([] { expectMatchesReference(randomCase(makeShape(1, 1, 100, 16, 8), 8, 1e-4F)); });
}

TEST(AttentionProbe, denormalInputs) {
  forEachTarget([] { expectMatchesReference(randomCase(makeShape(1, 1, 50, 16, 8), 8, 1e-41F)); });
}

TEST(AttentionProbe, equalLogitsAreUniform) {
  forEachTarget([] {
    ProbeCase c = randomCase(makeShape(1, 1, 130, 16, 1), 1);
    std::fill(c.key.begin(), c.key.end(), 0.75F);
    expectMatchesReference(c);
    ProbeBuffers b(c.shape, c.cell);
    ASSERT_TRUE(attentionProbe(c.shape, c.input(), b.output).ok());
    for (std::size_t i = 0; i < 130; ++i) {
      EXPECT_NEAR(static_cast<double>(b.entropy[i]), std::log(static_cast<double>(i + 1)), 1e-5);
      EXPECT_NEAR(static_cast<double>(b.map_max[i * 130]), 1.0 / static_cast<double>(i + 1), 1e-6);
    }
  });
}

TEST(AttentionProbe, lseFarBelowMinusEightyEight) {
  // exp(0 − lse) overflows here: a key padded with score 0 instead of masked would give Inf or NaN.
  forEachTarget([] {
    for (const float magnitude : {-100.0F, -300.0F}) {
      const ProbeCase c = exactLogits(67, magnitude);
      expectMatchesReference(c);
      ProbeBuffers reference(c.shape, c.cell);
      ASSERT_TRUE(attentionProbeReference(c.shape, c.input(), reference.output).ok());
      ASSERT_LT(reference.lse[66], -88.0F);
      ProbeBuffers given(c.shape, c.cell);
      ASSERT_TRUE(attentionProbe(c.shape, c.input(reference.lse.data()), given.output).ok());
      EXPECT_LE(worstError(given.received, reference.received, 1e-30), 4e-5);  // lse itself is rounded to 3e-5 at 300
    }
  });
}

TEST(AttentionProbe, givenLseGivesTheSameResults) {
  forEachTarget([] {
    const ProbeCase c = randomCase(makeShape(4, 2, 300, 64, 8), 8);
    ProbeBuffers reference(c.shape, c.cell);
    ASSERT_TRUE(attentionProbeReference(c.shape, c.input(), reference.output).ok());
    ProbeBuffers given(c.shape, c.cell);
    ASSERT_TRUE(attentionProbe(c.shape, c.input(reference.lse.data()), given.output).ok());
    EXPECT_EQ(given.lse, reference.lse);
    EXPECT_LE(worstError(given.received, reference.received, 1e-30), 1e-5);
    EXPECT_LE(worstError(given.window_rows, reference.window_rows, 1e-30), 1e-5);
    EXPECT_LE(worstError(given.entropy, reference.entropy, 0.1), 1e-5);
    EXPECT_LE(worstError(given.map_mean, reference.map_mean, 1e-30), 1e-5);
  });
}

TEST(AttentionProbe, invariants) {
  forEachTarget([] {
    const std::size_t n = 515;
    const ProbeCase c = randomCase(makeShape(2, 1, n, 64, n), 8, 2.0F);
    ProbeBuffers b(c.shape, c.cell);
    ASSERT_TRUE(attentionProbe(c.shape, c.input(), b.output).ok());
    for (std::size_t head = 0; head < 2; ++head) {
      double received = 0;
      for (std::size_t i = 0; i < n; ++i) {
        double row = 0;
        for (std::size_t j = 0; j < n; ++j) {
          row += static_cast<double>(b.window_rows[(head * n + i) * n + j]);
        }
        EXPECT_NEAR(row, 1.0, 5e-6);
        EXPECT_GE(b.entropy[head * n + i], 0.0F);
        EXPECT_LE(static_cast<double>(b.entropy[head * n + i]), std::log(static_cast<double>(i + 1)) + 1e-5);
        received += static_cast<double>(b.received[head * n + i]);
      }
      EXPECT_NEAR(received, static_cast<double>(n), 1e-5 * static_cast<double>(n));
    }
    EXPECT_EQ(b.received, b.window_sum);  // the window covers the whole sequence
  });
}

TEST(AttentionProbe, coarseningEqualsTheCoarserCell) {
  for (const std::size_t band : {0, 100}) {
    ProbeCase c = randomCase(makeShape(1, 1, 700, 32, 8, band), 4);
    std::vector<float> mean;
    std::vector<float> max;
    for (std::size_t cell = 4; cell <= 512; cell *= 2) {
      ProbeBuffers b(c.shape, cell);
      ASSERT_TRUE(attentionProbe(c.shape, c.input(), b.output).ok());
      if (cell > 4) {
        EXPECT_LE(worstError(mean, b.map_mean, 1e-30), 1e-5) << cell;
        EXPECT_EQ(max, b.map_max) << cell;
      }
      const MapGeometry geometry{700, cell, band};
      const std::size_t next = (geometry.cells() + 1) / 2;
      mean.assign(next * next, -1);
      max.assign(next * next, -1);
      coarsenMean(geometry, b.map_mean.data(), mean.data());
      coarsenMax(geometry, b.map_max.data(), max.data());
    }
  }
}

TEST(AttentionProbe, threadCountAndRepetitionDoNotChangeABit) {
  const ProbeCase c = randomCase(makeShape(6, 2, 1500, 40, 16), 4);
  ProbeBuffers one(c.shape, c.cell);
  ASSERT_TRUE(attentionProbe(c.shape, c.input(), one.output, 1).ok());
  for (const unsigned threads : {1U, 2U, 3U, 7U, 16U}) {
    ProbeBuffers many(c.shape, c.cell);
    ASSERT_TRUE(attentionProbe(c.shape, c.input(), many.output, threads).ok());
    EXPECT_TRUE(one == many) << threads;
  }
}

TEST(AttentionProbe, eachOutputAloneIsUnchanged) {
  const ProbeCase c = randomCase(makeShape(2, 1, 300, 16, 8), 8);
  ProbeBuffers all(c.shape, c.cell);
  ASSERT_TRUE(attentionProbe(c.shape, c.input(), all.output).ok());
  float* ProbeOutput::*const members[] = {&ProbeOutput::lse,        &ProbeOutput::entropy,     &ProbeOutput::received,
                                          &ProbeOutput::window_sum, &ProbeOutput::window_rows, &ProbeOutput::map_mean,
                                          &ProbeOutput::map_max};
  std::vector<float> ProbeBuffers::*const vectors[] = {
      &ProbeBuffers::lse,         &ProbeBuffers::entropy,  &ProbeBuffers::received, &ProbeBuffers::window_sum,
      &ProbeBuffers::window_rows, &ProbeBuffers::map_mean, &ProbeBuffers::map_max};
  for (std::size_t i = 0; i < std::size(members); ++i) {
    ProbeBuffers b(c.shape, c.cell);
    ProbeOutput single;
    single.cell = c.cell;
    single.*members[i] = b.output.*members[i];
    ASSERT_TRUE(attentionProbe(c.shape, c.input(), single).ok());
    // Without a map, rows are flushed at other points: equal up to rounding; otherwise bit-equal.
    EXPECT_LE(worstError(b.*vectors[i], all.*vectors[i], 1e-30), 2e-6) << i;
  }
}

TEST(AttentionProbe, reportsTheFirstNonFiniteValue) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, inf, -inf}) {
    ProbeCase c = randomCase(makeShape(4, 2, 100, 8, 8), 8);
    c.query[(3 * 100 + 40) * 8 + 5] = bad;
    ProbeBuffers b(c.shape, c.cell);
    for (const auto& probe : {[](auto&&... a) { return attentionProbe(a...); }}) {
      const ProbeReport report = probe(c.shape, c.input(), b.output);
      EXPECT_EQ(report.bad_head, 3);
      EXPECT_EQ(report.bad_query, 40);
    }
    EXPECT_EQ(attentionProbeReference(c.shape, c.input(), b.output).bad_query, 40);
    c.key[(1 * 100 + 60) * 8] = bad;  // heads 2 and 3 read it; query 60 is the first to see it
    const ProbeReport report = attentionProbe(c.shape, c.input(), b.output);
    EXPECT_EQ(report.bad_head, 2);
    EXPECT_EQ(report.bad_query, 60);
    EXPECT_EQ(attentionProbeReference(c.shape, c.input(), b.output).bad_head, 2);
  }
}

TEST(AttentionProbe, bf16TrapsOnEveryTarget) {
  forEachTarget([] {
    for (const float magnitude : {-300.0F, -96.0F, 65536.0F})
      expectMatchesReference(inBf16(exactLogits(77, magnitude)));
    expectMatchesReference(inBf16(randomCase(makeShape(1, 1, 100, 16, 8), 8, 1e-4F)));
    expectMatchesReference(inBf16(randomCase(makeShape(1, 1, 50, 16, 8), 8, 1e-41F)));
    expectMatchesReference(inBf16(randomCase(makeShape(1, 1, 1, 7, 1), 1)));
    ProbeCase c = inBf16(randomCase(makeShape(4, 2, 100, 8, 8), 8));
    c.key_bits[(1 * 100 + 60) * 8 + 1] = 0x7f80;  // infinity; heads 2 and 3 read it, query 60 first
    ProbeBuffers b(c.shape, c.cell);
    const ProbeReport report = attentionProbe(c.shape, c.input(), b.output);
    EXPECT_EQ(report.bad_head, 2);
    EXPECT_EQ(report.bad_query, 60);
  });
}

TEST(AttentionProbe, bf16ThreadCountDoesNotChangeABit) {
  const ProbeCase c = inBf16(randomCase(makeShape(6, 2, 1500, 40, 16), 4));
  ProbeBuffers one(c.shape, c.cell);
  ASSERT_TRUE(attentionProbe(c.shape, c.input(), one.output, 1).ok());
  for (const unsigned threads : {2U, 7U}) {
    ProbeBuffers many(c.shape, c.cell);
    ASSERT_TRUE(attentionProbe(c.shape, c.input(), many.output, threads).ok());
    EXPECT_TRUE(one == many) << threads;
  }
}

TEST(AttentionProbe, refusesMixedTypes) {
  ProbeCase c = randomCase(makeShape(1, 1, 10, 8, 2), 8);
  ProbeBuffers b(c.shape, c.cell);
  const ProbeCase bits = inBf16(c);
  EXPECT_THROW((void)attentionProbe(c.shape, {c.query.data(), bits.key_bits.data(), nullptr}, b.output),
               std::invalid_argument);
}

TEST(AttentionProbe, reportsOverflowingLogitsAndBadLse) {
  ProbeCase c = randomCase(makeShape(1, 1, 30, 8, 2), 8);
  std::fill_n(c.query.begin() + 20 * 8, 8, 1e30F);
  std::fill_n(c.key.begin() + 10 * 8, 8, 1e30F);
  ProbeBuffers b(c.shape, c.cell);
  EXPECT_EQ(attentionProbe(c.shape, c.input(), b.output).bad_query, 20);
  EXPECT_EQ(attentionProbeReference(c.shape, c.input(), b.output).bad_query, 20);
  const ProbeCase good = randomCase(makeShape(1, 1, 30, 8, 2), 8);
  std::vector<float> lse(30, 1.0F);
  lse[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(attentionProbe(good.shape, good.input(lse.data()), b.output).bad_query, 7);
  EXPECT_EQ(attentionProbeReference(good.shape, good.input(lse.data()), b.output).bad_query, 7);
}

TEST(AttentionProbe, refusesInvalidShapes) {
  const ProbeCase c = randomCase(makeShape(4, 2, 10, 8, 2), 8);
  ProbeBuffers b(c.shape, c.cell);
  const auto probe = [&](auto&& change) {
    ProbeShape shape = c.shape;
    ProbeOutput output = b.output;
    change(shape, output);
    (void)attentionProbe(shape, c.input(), output);
  };
  using S = ProbeShape;
  using O = ProbeOutput;
  EXPECT_THROW(probe([](S& s, O&) { s.kv_heads = 3; }), std::invalid_argument);
  EXPECT_THROW(probe([](S& s, O&) { s.kv_heads = 0; }), std::invalid_argument);
  EXPECT_THROW(probe([](S& s, O&) { s.tokens = 0; }), std::invalid_argument);
  EXPECT_THROW(probe([](S& s, O&) { s.head_dim = 0; }), std::invalid_argument);
  EXPECT_THROW(probe([](S& s, O&) { s.window = 11; }), std::invalid_argument);
  EXPECT_THROW(probe([](S& s, O&) { s.scale = 0; }), std::invalid_argument);
  EXPECT_THROW(probe([](S&, O& o) { o.cell = 3; }), std::invalid_argument);
  EXPECT_THROW(probe([](S&, O& o) { o.cell = 0; }), std::invalid_argument);
  EXPECT_NO_THROW(probe([](S&, O&) {}));
}

}  // namespace
}  // namespace kvatlas::kernels
