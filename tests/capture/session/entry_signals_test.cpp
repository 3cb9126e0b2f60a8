// Signals of the entries that a cache with gaps holds: the prompt's own where they do not depend on what else is held,
// else sums in double precision.
#include "capture/session/signals/entry_signals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/session/signals/layer_signals.h"
#include "core/base/random.h"
#include "tests/capture/model/golden.h"

namespace kvatlas::capture::test {
namespace {

constexpr std::uint32_t kLayer = 1;

class OneLayer final : public AttentionObserver {
 public:
  [[nodiscard]] bool wants(LayerIndex one) const override { return one.value == kLayer; }
  void onAttention(const LayerAttention& attention) override { layer = attention; }
  LayerAttention layer;
};

// Every list gives up other positions, as many.
policy::Decision withGaps(const ModelConfig& config, std::uint32_t tokens) {
  policy::Decision decision{.layers = config.layers, .heads = config.kv_heads, .offsets = {0}};
  for (std::uint32_t list = 0; list < config.layers * config.kv_heads; ++list) {
    for (TokenIndex j = 0; j < tokens; ++j)
      if (j % 5 != list % 5 && j + 1 != tokens) decision.positions.push_back(j);
    decision.positions.resize(decision.offsets.back() + tokens / 2);
    decision.offsets.push_back(decision.positions.size());
    decision.capacity.push_back(tokens / 2);
  }
  return decision;
}

class Entries : public testing::Test {
 protected:
  Entries() {
    m_prefill = m_decoder.prefill(m_ids, &m_observer, {});
    for (const LayerCache& layer : m_prefill.cache) {
      std::vector<double> seconds(1);
      m_store->gather(layer.key, layer.value, seconds);
    }
  }
  [[nodiscard]] SignalValues measured(SignalSet wanted) const {
    const NewestQuery query = [&](LayerIndex) {
      return m_observer.layer.query.select(1, m_observer.layer.query.size(1) - 1);
    };
    return entrySignals(m_decoder, *m_store, 0, m_held.front(), m_parameters, query)(wanted, LayerIndex(kLayer), 0,
                                                                                     m_config.kv_heads);
  }
  [[nodiscard]] cache::HeldList list(std::uint32_t head) const { return m_held.front().list(LayerIndex(kLayer), head); }
  [[nodiscard]] double key(std::uint32_t head, TokenIndex position, std::size_t channel) const {
    return m_observer.layer.key[head][position][static_cast<std::int64_t>(channel)].item<double>();
  }

  OneThread m_one_thread;
  Golden m_golden = loadGolden("llama2-gqa");
  std::vector<TokenId> m_ids =
      std::ranges::max_element(m_golden.runs, {}, [](const GoldenRun& run) { return run.ids.size(); })->ids;
  Decoder m_decoder = Decoder::load(modelFolder("llama2-gqa"), {}, {});
  const ModelConfig& m_config = m_decoder.config();
  OneLayer m_observer;
  PrefillResult m_prefill;
  std::uint32_t m_tokens = static_cast<std::uint32_t>(m_ids.size());
  std::vector<cache::HeldTokens> m_held{cache::HeldTokens(withGaps(m_config, m_tokens), m_tokens)};
  std::unique_ptr<BranchStore> m_store =
      makeBranchStore({.config = m_config, .held = m_held, .reserve = {1}, .threads = 1}, false);
  policy::SignalParameters m_parameters{{"leverage.sketch", "2"}, {"leverage.seed", "5"}, {"page_bound.page", "3"}};
};

TEST_F(Entries, whatValuesAddIsThatOfTheHeldPositions) {
  const at::Tensor whole = layerSignal(Signal::OutputNorm, m_observer.layer, m_config, {});
  const std::vector<float> norms = measured({Signal::OutputNorm})[Signal::OutputNorm];
  ASSERT_EQ(norms.size(), m_config.query_heads * m_tokens / 2);
  for (std::uint32_t head = 0; head < m_config.query_heads; ++head)
    for (std::uint32_t row = 0; row < m_tokens / 2; ++row)
      EXPECT_NEAR(norms[head * (m_tokens / 2) + row],
                  whole[head][list(head / (m_config.query_heads / m_config.kv_heads))[row]].item<double>(), 1e-5);
}

TEST_F(Entries, pagesAreOfNeighboursThatAreHeld) {
  const std::vector<float> bounds = measured({Signal::PageBound})[Signal::PageBound];
  const std::uint32_t rows = m_tokens / 2;
  ASSERT_EQ(bounds.size(), m_config.query_heads * rows);
  for (std::uint32_t head = 0; head < m_config.query_heads; ++head)
    for (std::uint32_t row = 0; row < rows; ++row) {
      const std::uint32_t kv = head / (m_config.query_heads / m_config.kv_heads), begin = row / 3 * 3;
      double bound = 0;
      for (std::size_t c = 0; c < m_config.head_dim; ++c) {
        const double q = m_observer.layer.query[head][m_tokens - 1][static_cast<std::int64_t>(c)].item<double>();
        double most = -INFINITY;
        for (std::uint32_t other = begin; other < std::min(begin + 3, rows); ++other)
          most = std::max(most, q * key(kv, list(kv)[other], c));
        bound += most;
      }
      EXPECT_NEAR(bounds[head * rows + row], bound, 1e-5);
    }
}

// Keys before their rotation at the positions that are held, two sketched numbers each.
TEST_F(Entries, leverageIsAmongTheHeldKeys) {
  const std::vector<float> leverage = measured({Signal::Leverage})[Signal::Leverage];
  const std::uint32_t rows = m_tokens / 2;
  ASSERT_EQ(leverage.size(), m_config.kv_heads * rows);
  const std::size_t d = m_config.head_dim;
  for (std::uint32_t head = 0; head < m_config.kv_heads; ++head) {
    std::vector<std::vector<double>> keys(rows, std::vector<double>(d));
    std::vector<double> mean(d, 0.0);
    for (std::uint32_t row = 0; row < rows; ++row) {
      const TokenIndex position = list(head)[row];
      for (std::size_t c = 0; c < d / 2; ++c) {
        const double angle =
            position * std::pow(m_config.rope.theta, -2.0 * static_cast<double>(c) / static_cast<double>(d));
        const double low = key(head, position, c), high = key(head, position, c + d / 2);
        keys[row][c] = low * std::cos(angle) + high * std::sin(angle);
        keys[row][c + d / 2] = high * std::cos(angle) - low * std::sin(angle);
      }
      for (std::size_t c = 0; c < d; ++c) mean[c] += keys[row][c] / rows;
    }
    double a = 0.01, b = 0, e = 0.01;  // the sums of squares, with what is added to their diagonal
    std::vector<std::array<double, 2>> sketched(rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
      for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t c = 0; c < d; ++c)
          sketched[row][i] += (keys[row][c] - mean[c]) * normalOf(hashOf(hashOf(5, head), c * 2 + i)) / std::sqrt(2.0);
      a += sketched[row][0] * sketched[row][0];
      b += sketched[row][0] * sketched[row][1];
      e += sketched[row][1] * sketched[row][1];
    }
    for (std::uint32_t row = 0; row < rows; ++row) {
      const auto [x, y] = sketched[row];
      EXPECT_NEAR(leverage[head * rows + row], (e * x * x - 2 * b * x * y + a * y * y) / (a * e - b * b), 2e-5);
    }
  }
}

}  // namespace
}  // namespace kvatlas::capture::test
