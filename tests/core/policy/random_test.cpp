// The random baseline: one seed is one choice everywhere, another is another, and no position is preferred.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/policy/policy.h"

namespace kvatlas::policy {
namespace {

constexpr Shape kShape{.layers = 3, .query_heads = 8, .kv_heads = 4, .tokens = 400};

Decision decideWith(const std::string& text, const char* budget = "108", const Shape& shape = kShape) {
  const MethodRequest request = parseMethod(text);
  return decide(*request.method,
                makeSetting(request, shape, parseBudget(budget), Granularity::KvHead, Preset::Exact, 8), {});
}

std::vector<TokenIndex> keptBy(const Decision& decision, std::size_t layer, std::uint32_t head) {
  const auto kept = decision.kept(LayerIndex(layer), head);
  return {kept.begin(), kept.end()};
}

// SplitMix64's published first outputs of the seed 0 are mixed(0), mixed(0x9e37…15), …; here its finaliser is chained.
TEST(Random, ASeedIsOneChoiceOnEveryMachine) {
  const auto mixed = [](std::uint64_t x) {
    x += 11400714819323198485ULL;
    x = (x ^ (x >> 30)) * 13787848793156543929ULL;
    x = (x ^ (x >> 27)) * 10723151780598845931ULL;
    return x ^ (x >> 31);
  };
  ASSERT_EQ(mixed(0), 0xe220a8397b1dcdafULL) << "the reference output of SplitMix64";
  const Decision decision = decideWith("random:seed=7");
  for (std::uint32_t layer = 0; layer < 3; ++layer)
    for (std::uint32_t head = 0; head < 4; ++head) {
      std::vector<std::pair<std::uint64_t, TokenIndex>> order;
      const std::uint64_t stream = mixed(mixed(mixed(7) ^ layer) ^ head);
      for (TokenIndex position = 0; position < 392; ++position)
        order.emplace_back((std::uint64_t{1} << 24) - (mixed(stream ^ position) >> 40), position);
      std::sort(order.begin(), order.end());
      std::vector<TokenIndex> expected;
      for (std::size_t i = 0; i < 100; ++i) expected.push_back(order[i].second);
      for (TokenIndex position = 392; position < 400; ++position) expected.push_back(position);
      std::sort(expected.begin(), expected.end());
      EXPECT_EQ(keptBy(decision, layer, head), expected) << layer << ", " << head;
    }
}

TEST(Random, SeedsLayersAndHeadsChooseApart) {
  const Decision zero = decideWith("random"), one = decideWith("random:seed=1");
  EXPECT_EQ(zero.positions, decideWith("random:seed=0").positions);
  EXPECT_NE(keptBy(zero, 0, 0), keptBy(one, 0, 0));
  EXPECT_NE(keptBy(zero, 0, 0), keptBy(zero, 1, 0));
  EXPECT_NE(keptBy(zero, 0, 0), keptBy(zero, 0, 1));
}

// Over 4096 heads each of 392 positions is kept with probability 100/392: within five standard deviations.
TEST(Random, PrefersNoPosition) {
  const Decision decision =
      decideWith("random", "108", {.layers = 64, .query_heads = 64, .kv_heads = 64, .tokens = 400});
  std::vector<int> kept(400);
  for (const TokenIndex position : decision.positions) ++kept[position];
  const double p = 100.0 / 392, mean = 4096 * p, deviation = std::sqrt(4096 * p * (1 - p));
  for (std::size_t position = 0; position < 392; ++position)
    EXPECT_NEAR(kept[position], mean, 5 * deviation) << position;
  for (std::size_t position = 392; position < 400; ++position) EXPECT_EQ(kept[position], 4096) << position;
}

}  // namespace
}  // namespace kvatlas::policy
