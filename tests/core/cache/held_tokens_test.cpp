// What a cache holds against a plain set per list, under a long random sequence of appends and evictions.
#include <gmock/gmock.h>

#include <random>
#include <set>

#include "core/base/error.h"
#include "core/cache/held_tokens.h"

namespace kvatlas::cache {
namespace {

using testing::ElementsAre;

std::vector<TokenIndex> positionsOf(const HeldList& list) {
  std::vector<TokenIndex> positions;
  for (std::uint32_t row = 0; row < list.size(); ++row) positions.push_back(list[row]);
  return positions;
}

policy::Decision decisionOf(std::vector<std::vector<TokenIndex>> lists, std::uint32_t layers) {
  policy::Decision decision;
  decision.layers = layers;
  decision.heads = static_cast<std::uint32_t>(lists.size() / layers);
  decision.offsets = {0};
  for (const auto& list : lists) {
    decision.capacity.push_back(static_cast<std::uint32_t>(list.size()));
    decision.positions.insert(decision.positions.end(), list.begin(), list.end());
    decision.offsets.push_back(decision.positions.size());
  }
  return decision;
}

TEST(HeldTokens, HoldsEverythingWithoutListingIt) {
  HeldTokens held(2, 3, 1'000'000);
  held.append();
  EXPECT_EQ(held.heldRows(), 6U * 1'000'001U);
  const HeldList list = held.list(LayerIndex(1), 2);
  EXPECT_TRUE(list.everything());
  EXPECT_EQ(list[999'999], 999'999U);
  EXPECT_EQ(list.rowFrom(5), 5U);
  EXPECT_EQ(list.rowFrom(2'000'000), 1'000'001U);
}

TEST(HeldTokens, StartsFromADecisionAndAppendsToEveryList) {
  HeldTokens held(decisionOf({{0, 4, 5}, {0, 1, 2, 3, 4, 5}}, 1), 6);
  held.append();
  EXPECT_THAT(positionsOf(held.list(LayerIndex(0), 0)), ElementsAre(0, 4, 5, 6));
  EXPECT_TRUE(held.list(LayerIndex(0), 1).everything());
  EXPECT_EQ(held.heldRows(), 11U);
}

TEST(HeldTokens, LogsWhatAListGivesUp) {
  HeldTokens held(1, 2, 4);
  held.evict(3, LayerIndex(0), 1, std::vector<std::uint32_t>{1, 3}, EvictionReason::LeftWindow);
  EXPECT_THAT(positionsOf(held.list(LayerIndex(0), 1)), ElementsAre(0, 2));
  EXPECT_THAT(positionsOf(held.list(LayerIndex(0), 0)), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(held.log(), ElementsAre(Eviction{3, 0, 1, 1, EvictionReason::LeftWindow},
                                      Eviction{3, 0, 1, 3, EvictionReason::LeftWindow}));
}

TEST(HeldTokens, RefusesRowsItDoesNotHold) {
  HeldTokens held(1, 1, 4);
  EXPECT_THROW(held.evict(0, LayerIndex(0), 0, std::vector<std::uint32_t>{4}, EvictionReason::LowScore), Error);
  EXPECT_THROW(held.evict(0, LayerIndex(0), 0, std::vector<std::uint32_t>{2, 1}, EvictionReason::LowScore), Error);
  EXPECT_THROW((void)held.list(LayerIndex(1), 0), Error);
}

TEST(HeldTokens, EqualsAPlainSetUnderRandomUse) {
  constexpr std::uint32_t kLayers = 2, kHeads = 2;
  std::mt19937 random(7);
  HeldTokens held(kLayers, kHeads, 20);
  std::vector<std::set<TokenIndex>> expected(kLayers * kHeads);
  for (auto& list : expected)
    for (TokenIndex position = 0; position < 20; ++position) list.insert(position);
  std::size_t evicted = 0;
  for (std::uint32_t step = 0; step < 500; ++step) {
    const TokenIndex next = held.nextPosition();
    held.append();
    for (auto& list : expected) list.insert(next);
    const std::uint32_t which = random() % (kLayers * kHeads);
    const LayerIndex layer(which / kHeads);
    const std::uint32_t head = which % kHeads;
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < held.list(layer, head).size(); ++row)
      if (random() % 5 == 0) rows.push_back(row);
    for (const std::uint32_t row : rows) expected[which].erase(held.list(layer, head)[row]);
    held.evict(step, layer, head, rows, EvictionReason::LowScore);
    evicted += rows.size();
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < expected.size(); ++i) {
      const HeldList list = held.list(LayerIndex(i / kHeads), i % kHeads);
      ASSERT_EQ(positionsOf(list), std::vector<TokenIndex>(expected[i].begin(), expected[i].end()));
      total += list.size();
      const TokenIndex probe = random() % (next + 5);
      ASSERT_EQ(list.contains(probe), expected[i].contains(probe));
      ASSERT_EQ(list.rowFrom(probe), std::distance(expected[i].begin(), expected[i].lower_bound(probe)));
    }
    ASSERT_EQ(held.heldRows(), total);
  }
  EXPECT_EQ(held.log().size(), evicted);
}

TEST(HeldList, HidesWhatTheSlidingWindowLeftBehind) {
  const std::vector<TokenIndex> positions{2, 5, 9, 10};
  const HeldList list{std::span<const TokenIndex>(positions)};
  EXPECT_EQ(list.hiddenRows(10, 0), 0U);
  EXPECT_EQ(list.hiddenRows(10, 6), 1U);  // sees 5 … 10
  EXPECT_EQ(list.hiddenRows(10, 5), 2U);  // sees 6 … 10
  EXPECT_EQ(list.hiddenRows(3, 6), 0U);
  EXPECT_EQ(HeldList(11).hiddenRows(10, 6), 5U);
}

}  // namespace
}  // namespace kvatlas::cache
