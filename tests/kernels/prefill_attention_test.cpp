#include "kernels/prefill_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "tests/kernels/bf16_bits.h"
#include "tests/kernels/probe_case.h"
#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

PrefillShape makeShape(std::size_t query_heads, std::size_t kv_heads, std::size_t tokens, std::size_t head_dim,
                       std::size_t sliding_window = 0, std::size_t queries = 0) {
  return {query_heads,
          kv_heads,
          tokens,
          queries == 0 ? tokens : queries,
          head_dim,
          sliding_window,
          1.0F / std::sqrt(static_cast<float>(head_dim))};
}

struct Result {
  std::vector<float> output, lse;
  bool operator==(const Result&) const = default;
};

struct PrefillCase {
  PrefillShape shape;
  std::vector<float> query, key, value;
  std::vector<std::uint16_t> query_bits, key_bits, value_bits;  // if not empty, the input uses these

  explicit PrefillCase(const PrefillShape& of, float spread = 1.0F) : shape(of) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal(0.0F, spread);
    query.resize(shape.query_heads * shape.queries * shape.head_dim);
    key.resize(shape.kv_heads * shape.tokens * shape.head_dim);
    value.resize(key.size());
    for (std::vector<float>* vector : {&query, &key, &value}) {
      std::generate(vector->begin(), vector->end(), [&] { return normal(random); });
    }
  }

  PrefillCase& inBf16() {
    query_bits = toBf16(query);
    key_bits = toBf16(key);
    value_bits = toBf16(value);
    return *this;
  }

  [[nodiscard]] PrefillInput input() const {
    if (query_bits.empty()) return {query.data(), key.data(), value.data()};
    return {query_bits.data(), key_bits.data(), value_bits.data()};
  }

  template <class Compute>
  Result computed(const Compute& compute) const {
    Result result;
    result.output.assign(shape.queries * shape.query_heads * shape.head_dim, -7);
    result.lse.assign(shape.query_heads * shape.queries, -7);
    compute(shape, input(), PrefillOutput{.f32 = result.output.data(), .lse = result.lse.data()});
    return result;
  }
  [[nodiscard]] Result run(unsigned threads = 0) const {
    return computed([&](const auto&... call) { prefillAttention(call..., threads); });
  }
  [[nodiscard]] Result reference() const {
    return computed([](const auto&... call) { prefillAttentionReference(call...); });
  }
};

void expectMatches(const PrefillCase& c, double tolerance = 5e-6, double lse_tolerance = 2e-6) {
  const Result result = c.run(), wanted = c.reference();
  EXPECT_LE(worstError(result.output, wanted.output, 1.0), tolerance);
  EXPECT_LE(worstError(result.lse, wanted.lse, 1.0), lse_tolerance);
}

class PrefillLengths : public testing::TestWithParam<std::size_t> {};

TEST_P(PrefillLengths, matchesReferenceOnEveryTarget) {
  forEachTarget([] {
    expectMatches(PrefillCase(makeShape(4, 2, GetParam(), 32)));
    expectMatches(PrefillCase(makeShape(3, 1, GetParam(), 17, 5)));
    expectMatches(PrefillCase(makeShape(2, 1, GetParam(), 64, 70)));
  });
}
INSTANTIATE_TEST_SUITE_P(All, PrefillLengths, testing::Values(1, 2, 5, 6, 7, 12, 63, 64, 65, 127, 129, 197, 333, 520));

class PrefillHeadDims : public testing::TestWithParam<std::size_t> {};

TEST_P(PrefillHeadDims, matchesReferenceOnEveryTarget) {
  forEachTarget([] {
    expectMatches(PrefillCase(makeShape(2, 1, 150, GetParam())));
    // The probabilities' rounding to bf16, 2^-9 of each, is averaged over the keys, but the first rows see few.
    expectMatches(PrefillCase(makeShape(2, 1, 150, GetParam())).inBf16(), 1e-2);
    expectMatches(PrefillCase(makeShape(4, 2, 71, GetParam(), 33)).inBf16(), 1e-2);
  });
}
INSTANTIATE_TEST_SUITE_P(All, PrefillHeadDims,
                         testing::Values(1, 2, 3, 16, 24, 32, 48, 64, 80, 96, 100, 112, 128, 129, 256, 600));

TEST(PrefillAttention, slidingWindowsOfEverySize) {
  for (const std::size_t band : {1, 2, 6, 63, 64, 65, 200, 511, 512, 699, 700, 701, 5000}) {
    SCOPED_TRACE(band);
    expectMatches(PrefillCase(makeShape(2, 1, 700, 24, band)));
  }
}

TEST(PrefillAttention, groupedHeadsReadTheirKeys) {
  for (const std::size_t kv_heads : {1, 2, 3, 6}) {
    SCOPED_TRACE(kv_heads);
    expectMatches(PrefillCase(makeShape(6, kv_heads, 90, 20)));
  }
}

// Blocks, tasks and strips of every size give the same answer.
TEST(PrefillAttention, longPromptOfManyHeads) {
  expectMatches(PrefillCase(makeShape(9, 3, 1301, 64)));
  expectMatches(PrefillCase(makeShape(32, 1, 700, 16)));
  expectMatches(PrefillCase(makeShape(1, 1, 1301, 128, 600)));
}

TEST(PrefillAttention, lastQueriesOnly) {
  for (const std::size_t queries : {1, 5, 64, 333}) {
    SCOPED_TRACE(queries);
    expectMatches(PrefillCase(makeShape(4, 2, 700, 32, 0, queries)));
    expectMatches(PrefillCase(makeShape(4, 2, 700, 32, 100, queries)));
  }
}

// A prompt may be computed in pieces of any size.
TEST(PrefillAttention, aRowDoesNotDependOnTheOthers) {
  for (const bool bf16 : {false, true}) {
    for (const std::size_t band : {0, 77}) {
      PrefillCase whole(makeShape(2, 1, 600, 64, band));
      if (bf16) whole.inBf16();
      const Result expected = whole.run();
      for (const std::size_t queries : {1, 4, 100}) {
        PrefillCase part = whole;
        part.shape.queries = queries;
        const std::size_t row = part.shape.head_dim, skipped = (600 - queries) * row;
        const auto cut = [&](auto& values) {
          if (values.empty()) return;
          values.erase(values.begin() + static_cast<std::ptrdiff_t>(600 * row),
                       values.begin() + static_cast<std::ptrdiff_t>(600 * row + skipped));
          values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(skipped));
        };
        cut(part.query);
        cut(part.query_bits);
        const Result result = part.run();
        EXPECT_TRUE(std::equal(result.output.begin(), result.output.end(),
                               expected.output.end() - static_cast<std::ptrdiff_t>(result.output.size())));
        EXPECT_EQ(result.lse[queries - 1], expected.lse[599]);
        EXPECT_EQ(result.lse.back(), expected.lse.back());
      }
    }
  }
}

TEST(PrefillAttention, threadCountAndRepetitionDoNotChangeABit) {
  for (const bool bf16 : {false, true}) {
    PrefillCase c(makeShape(6, 3, 900, 64));
    if (bf16) c.inBf16();
    const Result one = c.run(1);
    for (const unsigned threads : {1, 2, 3, 7}) {
      EXPECT_TRUE(c.run(threads) == one) << threads;
    }
  }
}

TEST(PrefillAttention, hugeLogits) {
  PrefillCase c(makeShape(2, 1, 300, 64), 300.0F);
  forEachTarget([&] { expectMatches(c, 1e-3, 1e-6); });
}

TEST(PrefillAttention, notANumberReachesTheRowsThatSeeIt) {
  PrefillCase c(makeShape(1, 1, 200, 32));
  c.value[150 * 32] = NAN;
  const Result result = c.run();
  EXPECT_TRUE(std::isfinite(result.output[127 * 32]));
  for (std::size_t row = 150; row < 200; ++row) EXPECT_TRUE(std::isnan(result.output[row * 32]));
}

TEST(PrefillAttention, bf16OutputIsRoundedToNearest) {
  const PrefillCase c = PrefillCase(makeShape(4, 2, 200, 64)).inBf16();
  const Result wide = c.run();
  std::vector<std::uint16_t> bits(wide.output.size());
  prefillAttention(c.shape, c.input(), {.bf16 = bits.data()});
  EXPECT_EQ(bits, toBf16(wide.output));
}

TEST(PrefillAttention, canBeStopped) {
  const PrefillCase c(makeShape(2, 1, 900, 16));
  int calls = 0;
  const auto stopAtThird = [&] {
    if (++calls == 3) throw std::runtime_error("stop");
  };
  std::vector<float> output(c.query.size());
  const PrefillOutput target{.f32 = output.data()};
  EXPECT_THROW(prefillAttention(c.shape, c.input(), target, 1, stopAtThird), std::runtime_error);
  EXPECT_EQ(calls, 3);
}

TEST(PrefillAttention, refusesInvalidShapes) {
  const PrefillCase c(makeShape(4, 2, 8, 4));
  std::vector<float> output(c.query.size());
  const PrefillOutput target{.f32 = output.data()};
  const auto refused = [&](auto change) {
    PrefillShape shape = c.shape;
    change(shape);
    EXPECT_THROW(prefillAttention(shape, c.input(), target), std::invalid_argument);
  };
  refused([](PrefillShape& s) { s.kv_heads = 3; });
  refused([](PrefillShape& s) { s.queries = 9; });
  refused([](PrefillShape& s) { s.queries = 0; });
  refused([](PrefillShape& s) { s.head_dim = 0; });
  refused([](PrefillShape& s) { s.scale = NAN; });
  EXPECT_THROW(prefillAttention(c.shape, {c.query.data(), c.key.data(), {}}, target), std::invalid_argument);
  EXPECT_THROW(prefillAttention(c.shape, c.input(), {}), std::invalid_argument);
}

}  // namespace
}  // namespace kvatlas::kernels
