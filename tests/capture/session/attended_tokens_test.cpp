// The keys attended to most, of rows with ties, with few keys, with hidden keys, and of none.
#include "capture/session/attended_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "capture/session/watched_rows.h"
#include "core/trace/records.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::uint32_t kLayers = 2, kHeads = 4, kKvHeads = 2, kTokens = 200;

class AttendedTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  AttendedTest() {
    m_config.layers = kLayers;
    m_config.query_heads = kHeads;
    m_config.kv_heads = kKvHeads;
    m_config.sliding_window = GetParam();
    addBranch(kKvHeads, 1);
    addBranch(kHeads, 3);
    addBranch(kKvHeads, 67);  // three prompt tokens a list
  }

  // Every step-th position, beginning elsewhere in each list.
  void addBranch(std::uint32_t heads, std::uint32_t step) {
    policy::Decision decision;
    decision.layers = kLayers;
    decision.heads = heads;
    decision.offsets = {0};
    for (std::uint32_t list = 0; list < kLayers * heads; ++list) {
      for (std::uint32_t t = list % step; t < kTokens; t += step) decision.positions.push_back(t);
      decision.offsets.push_back(decision.positions.size());
    }
    m_held.emplace_back(decision, kTokens);
    m_decisions.push_back(std::move(decision));
  }

  [[nodiscard]] bool visible(std::uint64_t query, std::uint64_t key) const {
    return GetParam() == 0 || key + GetParam() > query;
  }

  // Positions a query head of a branch sees at a step, in order.
  [[nodiscard]] std::vector<TokenIndex> seen(std::size_t branch, LayerIndex layer, std::uint32_t head,
                                             std::size_t step) const {
    const std::uint64_t query = kTokens + step - 1;
    std::vector<TokenIndex> positions;
    const auto& decision = m_decisions[branch];
    for (TokenIndex j = 0; j <= query; ++j) {
      const auto kept = decision.kept(layer, head * decision.heads / kHeads);
      const bool held = j >= kTokens || step == 0 || std::ranges::find(kept, j) != kept.end();
      if (held && visible(query, j)) positions.push_back(j);
    }
    return positions;
  }

  void expectBest(const Attended& attended, std::size_t cell, const std::vector<TokenIndex>& positions,
                  std::span<const float> mass) const {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < positions.size(); ++i) order.push_back(i);
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return mass[a] > mass[b]; });
    for (std::size_t k = 0; k < kAttendedKeys; ++k) {
      ASSERT_EQ(attended.positions[cell + k], k < order.size() ? positions[order[k]] : trace::kNoToken) << k;
      ASSERT_EQ(attended.mass[cell + k], k < order.size() ? mass[order[k]] : 0.0F) << k;
    }
  }

  // Masses of few different values, so that most are tied.
  void fill(std::span<float> room) {
    for (float& value : room) value = static_cast<float>(m_random() % 37) / 64.0F;
  }

  // What a store gives of rows that are laid out for a layer.
  static void rank(LayerIndex layer, const WatchedRows& rows, TopKeys& keys) {
    for (std::size_t i = 0; i < rows.watched().size(); ++i)
      for (std::uint32_t head = 0; head < kHeads; ++head)
        kernels::topEntries(rows.row(i, head).mass, keys.row(layer, i, 0, head));
  }

  ModelConfig m_config;
  std::vector<policy::Decision> m_decisions;
  std::vector<cache::HeldTokens> m_held;
  std::mt19937 m_random{7};
};

TEST_P(AttendedTest, AreTheBestTiesToTheLowestPosition) {
  for (const unsigned threads : {1U, 3U}) {
    m_random.seed(7);
    std::vector<cache::HeldTokens> held = m_held;
    WatchedRows rows(m_config, held);
    TopKeys keys(kLayers, kHeads);
    AttendedTokens tokens(m_config, held, threads);
    const std::size_t hidden = GetParam() == 0 ? 0 : kTokens - GetParam();
    std::vector<float> prompt(std::size_t{kHeads} * kTokens, 0.0F);
    std::vector<std::vector<float>> given;  // [step, layer] as laid out
    tokens.beginStep({true, true, true});
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      fill(prompt);
      given.push_back(prompt);
      tokens.takePrompt(LayerIndex{layer}, topOfPrompt(prompt, kHeads, hidden, threads));
    }
    // Branch 1 stops after two steps.
    const std::vector<std::vector<std::size_t>> batches = {{0, 1, 2}, {0, 1, 2}, {0, 2}, {0, 2}};
    for (std::size_t step = 1; step <= batches.size(); ++step) {
      const auto& batch = batches[step - 1];
      tokens.beginStep({true, batch.size() == 3, true});
      for (const std::size_t branch : batch) held[branch].append();
      rows.beginStep(batch);
      keys.beginStep(batch, 1);
      for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
        rows.layOut(LayerIndex{layer});
        fill(rows.room());
        given.emplace_back(rows.room().begin(), rows.room().end());
        rank(LayerIndex{layer}, rows, keys);
      }
      tokens.takeStep(keys);
    }
    std::vector<Attended> taken;
    for (std::size_t b = 0; b < 3; ++b) taken.push_back(tokens.take(b));
    const std::size_t per_layer = std::size_t{kHeads} * kAttendedKeys;
    EXPECT_EQ(taken[0].positions.size(), 5 * kLayers * per_layer);
    EXPECT_EQ(taken[1].positions.size(), 3 * kLayers * per_layer) << "it had stopped";
    for (std::size_t step = 0; step <= batches.size(); ++step) {
      for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
        const std::vector<float>& all = given[step * kLayers + layer];
        std::size_t at = 0;
        for (const std::size_t b : step == 0 ? batches[0] : batches[step - 1]) {
          if (step == 0) at = 0;
          for (std::uint32_t head = 0; head < kHeads; ++head) {
            const auto positions = seen(b, LayerIndex{layer}, head, step);
            const std::size_t from = step == 0 ? (head + 1) * kTokens - positions.size() : at;
            expectBest(taken[b], ((step * kLayers + layer) * kHeads + head) * kAttendedKeys, positions,
                       std::span(all).subspan(from, positions.size()));
            at += positions.size();
          }
        }
        if (step > 0) {
          EXPECT_EQ(at, all.size());
        }
      }
    }
  }
}

TEST_P(AttendedTest, ARowThatIsNotFiniteNamesNothing) {
  WatchedRows rows(m_config, m_held);
  TopKeys keys(kLayers, kHeads);
  AttendedTokens tokens(m_config, m_held, 1);
  tokens.beginStep({true, true, true});
  const std::vector<std::size_t> batch = {0};
  m_held[0].append();
  rows.beginStep(batch);
  keys.beginStep(batch, 1);
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
    rows.layOut(LayerIndex{layer});
    std::ranges::fill(rows.room(), std::numeric_limits<float>::quiet_NaN());
    rank(LayerIndex{layer}, rows, keys);
  }
  tokens.takeStep(keys);
  const Attended attended = tokens.take(0);
  EXPECT_TRUE(std::ranges::all_of(attended.positions, [](TokenIndex p) { return p == trace::kNoToken; }));
  EXPECT_TRUE(std::ranges::all_of(attended.mass, [](float mass) { return mass == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Windows, AttendedTest, testing::Values(0, 3, 20, 150));

}  // namespace
}  // namespace kvatlas::capture::test
