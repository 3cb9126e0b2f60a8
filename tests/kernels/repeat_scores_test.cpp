#include "kernels/repeat_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "tests/kernels/bf16_bits.h"
#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

struct RepeatCase {
  PrefillShape shape;
  std::vector<TokenRange> ranges;
  TokenRange keys;
  std::vector<float> query, key;
  std::vector<std::uint16_t> query_bits, key_bits;

  RepeatCase(std::size_t query_heads, std::size_t kv_heads, std::size_t tokens, std::size_t queries,
             std::size_t head_dim, std::size_t sliding_window, TokenRange chunk, std::size_t sinks)
      : shape{query_heads,
              kv_heads,
              tokens,
              queries,
              head_dim,
              sliding_window,
              1.0F / std::sqrt(static_cast<float>(head_dim))},
        ranges{{0, sinks}, chunk, {tokens - queries, tokens}},
        keys(chunk) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0.0F, 1.3F);
    query.resize(query_heads * queries * head_dim);
    key.resize(kv_heads * tokens * head_dim);
    for (std::vector<float>* values : {&query, &key}) std::ranges::generate(*values, [&] { return normal(random); });
  }

  void round() {
    query_bits = toBf16(query);
    key_bits = toBf16(key);
    std::ranges::transform(query_bits, query.begin(), fromBf16);
    std::ranges::transform(key_bits, key.begin(), fromBf16);
  }
  [[nodiscard]] RepeatInput input() const {
    if (query_bits.empty()) return {query.data(), key.data()};
    return {query_bits.data(), key_bits.data()};
  }

  [[nodiscard]] bool sees(std::size_t row, std::size_t at) const {
    const std::size_t position = shape.tokens - shape.queries + row;
    return at <= position && (shape.sliding_window == 0 || position - at < shape.sliding_window);
  }
  [[nodiscard]] double logit(std::size_t head, std::size_t row, std::size_t at) const {
    const std::size_t kv_head = head * shape.kv_heads / shape.query_heads;
    double sum = 0;
    for (std::size_t k = 0; k < shape.head_dim; ++k)
      sum += double{query[(head * shape.queries + row) * shape.head_dim + k]} *
             double{key[(kv_head * shape.tokens + at) * shape.head_dim + k]};
    return sum / std::sqrt(static_cast<double>(shape.head_dim));
  }
  // Plain sums in double precision, one row at a time.
  [[nodiscard]] double lse(std::size_t head, std::size_t row) const {
    double sum = 0;
    for (const TokenRange& range : ranges)
      for (std::size_t at = range.begin; at < range.end; ++at)
        if (sees(row, at)) sum += std::exp(logit(head, row, at));
    return std::log(sum);
  }
};

struct Scores {
  std::vector<float> lse, most;
  bool operator==(const Scores&) const = default;
};

Scores scoresOf(const RepeatCase& of, unsigned threads) {
  Scores scores{std::vector<float>(of.shape.query_heads * of.shape.queries),
                std::vector<float>(of.shape.kv_heads * (of.keys.end - of.keys.begin), -1)};
  logSumExpOver(of.shape, of.input(), of.ranges, scores.lse.data(), threads);
  largestProbabilities(of.shape, of.input(), scores.lse.data(), of.keys, scores.most.data(), threads);
  return scores;
}

void expectExact(const RepeatCase& of, double tolerance) {
  const Scores scores = scoresOf(of, 3);
  const std::size_t group = of.shape.query_heads / of.shape.kv_heads, count = of.keys.end - of.keys.begin;
  std::vector<double> most(scores.most.size());
  for (std::size_t head = 0; head < of.shape.query_heads; ++head)
    for (std::size_t row = 0; row < of.shape.queries; ++row) {
      const double lse = of.lse(head, row);
      ASSERT_NEAR(scores.lse[head * of.shape.queries + row], lse, tolerance) << head << " " << row;
      for (std::size_t i = 0; i < count; ++i)
        if (of.sees(row, of.keys.begin + i)) {
          double& best = most[head / group * count + i];
          best = std::max(best, std::exp(of.logit(head, row, of.keys.begin + i) - lse));
        }
    }
  for (std::size_t i = 0; i < most.size(); ++i) ASSERT_NEAR(scores.most[i], most[i], tolerance) << i;
  EXPECT_EQ(scoresOf(of, 1), scores);
}

// More keys than a task takes, ranges that no panel ends at, heads alone and in groups.
const std::vector<RepeatCase>& cases() {
  static const std::vector<RepeatCase> all{
      {2, 1, 700, 90, 64, 0, {0, 610}, 0},  {4, 2, 350, 100, 20, 0, {101, 207}, 4}, {1, 1, 9, 5, 3, 0, {0, 4}, 0},
      {3, 3, 460, 400, 64, 0, {30, 55}, 2}, {6, 2, 300, 120, 64, 70, {60, 170}, 4}, {2, 2, 128, 64, 32, 0, {0, 64}, 0}};
  return all;
}

TEST(RepeatScores, EqualThePlainSums) {
  forEachTarget([] {
    for (const RepeatCase& of : cases()) expectExact(of, 2e-5);
  });
}

TEST(RepeatScores, OfBf16BitsEqualThePlainSumsOfTheSameNumbers) {
  forEachTarget([] {
    for (RepeatCase of : cases()) {
      of.round();
      expectExact(of, 2e-5);
    }
  });
}

TEST(RepeatScores, KeysThatNoQuerySeesGetNothing) {
  const RepeatCase of(2, 1, 300, 100, 16, 20, {0, 200}, 0);  // a window of 20 from position 200 on
  const Scores scores = scoresOf(of, 1);
  EXPECT_THAT(std::vector(scores.most.begin(), scores.most.begin() + 181), testing::Each(0.0F));
  EXPECT_GT(scores.most[181], 0);
}

TEST(RepeatScores, RejectsShapesAndRanges) {
  RepeatCase of(2, 1, 30, 10, 8, 0, {0, 20}, 0);
  std::vector<float> most(30), lse(20);
  EXPECT_THROW(largestProbabilities(of.shape, of.input(), lse.data(), {0, 21}, most.data()), std::invalid_argument);
  of.ranges[1].end = 31;
  EXPECT_THROW(logSumExpOver(of.shape, of.input(), of.ranges, lse.data()), std::invalid_argument);
  of.ranges[1].end = 20;
  of.shape.kv_heads = 3;
  EXPECT_THROW(logSumExpOver(of.shape, of.input(), of.ranges, lse.data()), std::invalid_argument);
}

}  // namespace
}  // namespace kvatlas::kernels
