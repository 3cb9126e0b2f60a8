// Signals kept up token by token against those summed anew from every query's row, through random evictions.
#include "core/cache/held_signals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace kvatlas::cache {
namespace {

constexpr std::uint32_t kLayers = 2, kQueryHeads = 4, kPrompt = 12, kWindow = 3;

// Rows by original position: [layer · query head][query], of a query the mass of each position.
using Row = std::map<TokenIndex, float>;

class HeldSignalsTest : public testing::TestWithParam<std::uint32_t> {  // stored heads
 protected:
  HeldSignalsTest() : m_rows(std::size_t{kLayers} * kQueryHeads) {
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      SignalValues& values = m_prompt.emplace_back();
      for (std::uint32_t head = 0; head < kQueryHeads; ++head) {
        auto& rows = m_rows[layer * kQueryHeads + head];
        for (std::uint32_t query = 0; query < kPrompt; ++query) {
          Row& row = rows.emplace_back();
          for (TokenIndex j = 0; j <= query; ++j) row[j] = draw();
        }
        for (TokenIndex j = 0; j < kPrompt; ++j) {
          float sum = 0;
          for (const Row& row : rows) sum += at(row, j);
          values[Signal::Received].push_back(sum);
        }
        for (std::uint32_t query = kPrompt - kWindow; query < kPrompt; ++query)
          for (TokenIndex j = 0; j < kPrompt; ++j) values[Signal::WindowRows].push_back(at(rows[query], j));
      }
      m_views.push_back(viewOf(m_prompt.back()));
    }
    m_views.clear();
    for (const SignalValues& values : m_prompt) m_views.push_back(viewOf(values));
  }

  float draw() { return static_cast<float>(m_random() % 1000) / 4096.0F; }  // sums are exact
  static float at(const Row& row, TokenIndex position) {
    const auto found = row.find(position);
    return found == row.end() ? 0.0F : found->second;
  }

  void expectSums(const HeldSignals& signals, const HeldTokens& held) const {
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      const SignalValues values = signals.of(LayerIndex(layer), 0, GetParam(), held);
      std::vector<float> received, window_sum, window_rows;
      for (std::uint32_t head = 0; head < kQueryHeads; ++head) {
        const HeldList list = held.list(LayerIndex(layer), head / (kQueryHeads / GetParam()));
        const auto& rows = m_rows[layer * kQueryHeads + head];
        const auto sumFrom = [&](std::size_t first, TokenIndex position) {
          float sum = 0;
          for (std::size_t query = first; query < rows.size(); ++query) sum += at(rows[query], position);
          return sum;
        };
        for (std::uint32_t row = 0; row < list.size(); ++row) {
          received.push_back(sumFrom(0, list[row]));
          window_sum.push_back(sumFrom(rows.size() - kWindow, list[row]));
        }
        for (std::size_t query = rows.size() - kWindow; query < rows.size(); ++query)
          for (std::uint32_t row = 0; row < list.size(); ++row) window_rows.push_back(at(rows[query], list[row]));
      }
      EXPECT_EQ(values[Signal::Received], received);
      EXPECT_EQ(values[Signal::WindowSum], window_sum);
      EXPECT_EQ(values[Signal::WindowRows], window_rows);
      EXPECT_TRUE(values[Signal::KeyNorm].empty());
    }
  }

  std::mt19937 m_random{3};
  std::vector<std::vector<Row>> m_rows;
  std::vector<SignalValues> m_prompt;
  std::vector<LayerSignals> m_views;
};

TEST_P(HeldSignalsTest, areTheSumsOfTheRows) {
  policy::Decision decision{.layers = kLayers, .heads = GetParam(), .offsets = {0}};
  for (std::uint32_t list = 0; list < kLayers * decision.heads; ++list) {
    for (TokenIndex j = list % 2; j < kPrompt; j += 2) decision.positions.push_back(j);
    decision.capacity.push_back(kPrompt / 2);
    decision.offsets.push_back(decision.positions.size());
  }
  HeldTokens held(decision, kPrompt);
  const SignalSet needs{Signal::Received, Signal::WindowSum, Signal::WindowRows};
  HeldSignals signals(needs, kQueryHeads, kWindow, held, m_views);
  expectSums(signals, held);
  for (std::uint32_t step = 1; step < 30; ++step) {
    held.append();
    for (std::uint32_t layer = 0; layer < kLayers; ++layer)
      for (std::uint32_t head = 0; head < kQueryHeads; ++head) {
        const HeldList list = held.list(LayerIndex(layer), head / (kQueryHeads / GetParam()));
        const std::uint32_t hidden = m_random() % 3;  // a sliding window hides the first rows
        std::vector<float> mass;
        Row& row = m_rows[layer * kQueryHeads + head].emplace_back();
        for (std::uint32_t i = hidden; i < list.size(); ++i) mass.push_back(row[list[i]] = draw());
        signals.take(LayerIndex(layer), head, hidden, mass);
      }
    expectSums(signals, held);
    for (std::uint32_t layer = 0; layer < kLayers; ++layer)
      for (std::uint32_t head = 0; head < GetParam() && step % 2 == 0; ++head) {
        const std::uint32_t size = held.list(LayerIndex(layer), head).size();
        std::vector<std::uint32_t> rows = {static_cast<std::uint32_t>(m_random()) % (size - 1), size - 1};
        signals.erase(LayerIndex(layer), head, rows);
        held.evict(step, LayerIndex(layer), head, rows, EvictionReason::LowScore);
      }
    expectSums(signals, held);
  }
}

INSTANTIATE_TEST_SUITE_P(StoredHeads, HeldSignalsTest, testing::Values(2, 4));

TEST(PromptSignals, sumsOfTheWindowAreMadeFromItsRows) {
  EXPECT_EQ(promptSignals({Signal::WindowSum}), SignalSet{Signal::WindowRows});
  EXPECT_EQ(promptSignals({Signal::Received}), SignalSet{Signal::Received});
}

}  // namespace
}  // namespace kvatlas::cache
