// Retained mass, oracle, KL and Jaccard against brute force.
#include "core/analysis/mass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <random>
#include <set>

#include "core/base/error.h"

namespace kvatlas::analysis {
namespace {

// A softmax of random logits; `levels` > 0 leaves that many distinct values.
std::vector<float> randomProbabilities(std::size_t count, unsigned seed, int levels = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 3);
  std::vector<double> weights(count);
  for (double& weight : weights)
    weight = levels > 0 ? static_cast<double>(random() % levels) : std::exp(normal(random));
  const double total = std::accumulate(weights.begin(), weights.end(), 1e-30);
  std::vector<float> probabilities(count);
  for (std::size_t i = 0; i < count; ++i) probabilities[i] = static_cast<float>(weights[i] / total);
  return probabilities;
}

TEST(RetainedMass, SumsTheKeptPromptAndAllGeneratedTokens) {
  const std::vector<float> probabilities{0.5F, 0.125F, 0.0625F, 0.25F, 0.03125F};
  EXPECT_DOUBLE_EQ(retainedMass(probabilities, 3, std::vector<TokenIndex>{0, 2}), 0.84375);
  EXPECT_DOUBLE_EQ(retainedMass(probabilities, 3, {}), 0.28125);
  EXPECT_DOUBLE_EQ(retainedMass(probabilities, 5, std::vector<TokenIndex>{1}), 0.125);
}

// Ten million small terms: sums in float would be off in the third digit.
TEST(RetainedMass, SumsInDouble) {
  const std::vector<float> probabilities(1 << 20, 1.0F / (1 << 20) * 1.0009765625F);
  std::vector<TokenIndex> all(probabilities.size());
  std::iota(all.begin(), all.end(), TokenIndex{0});
  EXPECT_NEAR(retainedMass(probabilities, 1 << 20, all), 1.0009765625, 1e-12);
}

TEST(OracleMass, EqualsSortingEverything) {
  for (const std::uint32_t tokens : {1U, 2U, 9U, 100U, 4000U})
    for (const std::uint32_t generated : {0U, 1U, 64U})
      for (const int levels : {0, 1, 3}) {
        const auto probabilities = randomProbabilities(tokens + generated, tokens + generated, levels);
        const std::vector<std::uint32_t> sizes{tokens / 2, tokens,     0,          1,
                                               tokens / 2, tokens / 3, tokens - 1, tokens / 20};
        std::vector<float> sorted(probabilities.begin(), probabilities.begin() + tokens);
        std::sort(sorted.rbegin(), sorted.rend());
        const double always = std::accumulate(probabilities.begin() + tokens, probabilities.end(), 0.0);
        const auto masses = oracleMass(probabilities, tokens, sizes);
        ASSERT_EQ(masses.size(), sizes.size());
        for (std::size_t i = 0; i < sizes.size(); ++i)
          EXPECT_NEAR(masses[i], std::accumulate(sorted.begin(), sorted.begin() + sizes[i], always), 1e-14)
              << tokens << " " << generated << " " << levels << " size " << sizes[i];
      }
}

TEST(OracleMass, IsNeverBelowAnyKeptSetOfItsSize) {
  std::mt19937 random(3);
  const auto probabilities = randomProbabilities(300, 5);
  for (int trial = 0; trial < 200; ++trial) {
    std::set<TokenIndex> kept;
    for (unsigned i = 0; i < random() % 200; ++i) kept.insert(random() % 280);
    const std::vector<TokenIndex> list(kept.begin(), kept.end());
    const std::vector<std::uint32_t> size{static_cast<std::uint32_t>(list.size())};
    EXPECT_LE(retainedMass(probabilities, 280, list), oracleMass(probabilities, 280, size)[0] + 1e-14);
  }
}

TEST(OracleMass, HandlesEmptySizesAndNan) {
  EXPECT_TRUE(oracleMass(std::vector<float>{1}, 1, {}).empty());
  std::vector<float> broken(500, std::numeric_limits<float>::quiet_NaN());
  const std::vector<std::uint32_t> sizes{3, 400};
  EXPECT_TRUE(std::isnan(oracleMass(broken, 500, sizes)[1]));
}

double bruteForceKl(const std::vector<float>& p, const std::vector<float>& q) {
  double p_total = 0, q_total = 0, divergence = 0;
  for (const float x : p) p_total += std::exp(static_cast<double>(x));
  for (const float x : q) q_total += std::exp(static_cast<double>(x));
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double a = std::exp(static_cast<double>(p[i])) / p_total, b = std::exp(static_cast<double>(q[i])) / q_total;
    divergence += a * std::log(a / b);
  }
  return divergence;
}

TEST(KlDivergence, EqualsItsDefinition) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 4);
  for (const int vocabulary : {1, 2, 1000}) {
    std::vector<float> p(vocabulary), q(vocabulary);
    for (int i = 0; i < vocabulary; ++i) p[i] = normal(random), q[i] = p[i] + normal(random) * 0.1F;
    EXPECT_NEAR(klDivergence(p, q), bruteForceKl(p, q), 1e-12);
    EXPECT_EQ(klDivergence(p, p), 0);
  }
  EXPECT_NEAR(klDivergence(std::vector<float>{0, 0}, std::vector<float>{0, std::log(3.0F)}),
              std::log(2 / std::sqrt(3.0)), 1e-7);
}

TEST(KlDivergence, IgnoresAShiftAndDoesNotOverflow) {
  const std::vector<float> p{1000, 1001, 999}, q{-1000, -1000, -1001}, p0{0, 1, -1}, q0{0, 0, -1};
  EXPECT_NEAR(klDivergence(p, q), bruteForceKl(p0, q0), 1e-12);
}

TEST(KlDivergence, HandlesImpossibleTokens) {
  const float none = -std::numeric_limits<float>::infinity();
  EXPECT_NEAR(klDivergence(std::vector<float>{0, none}, std::vector<float>{0, 0}), std::log(2.0), 1e-12);
  EXPECT_EQ(klDivergence(std::vector<float>{0, none}, std::vector<float>{0, none}), 0);
  EXPECT_TRUE(std::isinf(klDivergence(std::vector<float>{0, 0}, std::vector<float>{0, none})));
  EXPECT_TRUE(std::isnan(klDivergence(std::vector<float>{0, std::nanf("")}, std::vector<float>{0, 0})));
}

TEST(KlDivergence, RefusesDifferentVocabularies) {
  EXPECT_THROW((void)klDivergence(std::vector<float>{1}, std::vector<float>{1, 2}), Error);
  EXPECT_THROW((void)klDivergence({}, {}), Error);
}

TEST(Jaccard, EqualsSets) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 300; ++trial) {
    std::set<TokenIndex> a, b, both, either;
    for (unsigned i = 0; i < random() % 30; ++i) a.insert(random() % 40);
    for (unsigned i = 0; i < random() % 30; ++i) b.insert(random() % 40);
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::inserter(either, either.end()));
    const double expected =
        either.empty() ? 1.0 : static_cast<double>(both.size()) / static_cast<double>(either.size());
    EXPECT_DOUBLE_EQ(jaccard(std::vector<TokenIndex>(a.begin(), a.end()), std::vector<TokenIndex>(b.begin(), b.end())),
                     expected);
  }
  EXPECT_EQ(jaccard({}, {}), 1);
  EXPECT_EQ(jaccard(std::vector<TokenIndex>{1}, {}), 0);
}

}  // namespace
}  // namespace kvatlas::analysis
