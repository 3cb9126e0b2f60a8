// The inspector against the attention the sample was made from.
#include "views/models/items/inspector.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "tests/support/sample_attention.h"
#include "tests/views/opened_document.h"

namespace kvatlas::views {
namespace {

using test::SampleTraceOptions;

class InspectorTest : public test::OpenedDocumentTest {
 protected:
  const Inspection& at(TokenIndex query, TokenIndex key) {
    m_selection.setCursor(Cell{query, key});
    settle();
    return *m_inspector.current();
  }
  Inspector m_inspector{m_document, m_selection};
};

std::size_t naiveRank(const std::vector<double>& values, std::size_t at) {
  std::size_t rank = 1;
  for (const double value : values) rank += value > values[at] ? 1 : 0;
  return rank;
}

TEST_F(InspectorTest, ExactProbabilityRankMassAndFates) {
  const SampleTraceOptions options;
  const auto made = test::makeSampleTrace(options);
  ASSERT_TRUE(openSample(options));
  m_selection.setLayer(LayerIndex(2));
  m_selection.setHead({HeadChoice::QueryHead, 3});
  for (const RunId id : m_document.runIds()) (void)m_document.run(id);
  ASSERT_TRUE(settle());
  const std::vector<double> row = test::SampleAttention(options, 2).row(3, 150);
  const Inspection& seen = at(150, 104);
  EXPECT_EQ(seen.query.position, 150U);
  EXPECT_EQ(seen.key.text, "·the");
  EXPECT_EQ(seen.key.spans, "needle");
  ASSERT_TRUE(seen.values);
  EXPECT_EQ(seen.values->source, CellValues::Exact);
  EXPECT_NEAR(*seen.values->probability, row[104], 1e-5);
  EXPECT_EQ(seen.values->rank, naiveRank(row, 104));
  EXPECT_EQ(seen.values->visible, 151U);
  double entropy = 0;
  for (const double p : row) entropy -= p > 0 ? p * std::log(p) : 0;
  EXPECT_NEAR(*seen.values->entropy, entropy, 1e-4);
  EXPECT_NEAR(*seen.received, made.layers[2].values[Signal::Received][3 * 256 + 104], 1e-6);
  ASSERT_EQ(seen.fates.size(), 5U);
  EXPECT_EQ(seen.fates[0].reason, policy::Reason::Everything);
  std::size_t keepers = 0;
  for (std::size_t run = 1; run < 5; ++run) {
    const auto& r = made.runs[run];
    const auto begin = r.kept_positions.begin();
    const bool kept = std::binary_search(begin + static_cast<long>(r.kept_offsets[5]),
                                         begin + static_cast<long>(r.kept_offsets[6]), 104U);
    EXPECT_EQ(seen.fates[run].keeping, kept ? 1U : 0U) << run;
    EXPECT_EQ(seen.fates[run].heads, 1U);
    keepers += kept ? 1 : 0;
  }
  EXPECT_EQ(seen.keepers(), keepers);
  EXPECT_EQ(at(150, 255).fates[2].reason, policy::Reason::Window);
  EXPECT_EQ(at(150, 0).fates[1].reason, policy::Reason::Sink);
}

TEST_F(InspectorTest, SeveralHeadsAreJoinedAsTheMapJoinsThem) {
  const SampleTraceOptions options{.layers = 1};
  ASSERT_TRUE(openSample(options));
  const test::SampleAttention attention(options, 0);
  double mean = 0, most = 0;
  for (std::uint32_t head = 0; head < 4; ++head) {
    const double p = attention.row(head, 200)[17];
    mean += p / 4;
    most = std::max(most, p);
  }
  m_selection.setHead({HeadChoice::MeanOverHeads, 0});
  EXPECT_NEAR(*at(200, 17).values->probability, mean, 1e-5);
  m_selection.setHead({HeadChoice::MaxOverHeads, 0});
  ASSERT_TRUE(settle());
  EXPECT_NEAR(*m_inspector.current()->values->probability, most, 1e-5) << "follows the choice of heads";
}

TEST_F(InspectorTest, WithoutQueriesAndKeysTheWindowRowsAndTheMapAnswer) {
  SampleTraceOptions options{.layers = 1, .map_size = 64};
  options.keep_qk = false;
  ASSERT_TRUE(openSample(options));
  m_selection.setHead({HeadChoice::QueryHead, 1});
  const std::vector<double> last = test::SampleAttention(options, 0).row(1, 252);
  const Inspection& window = at(252, 30);
  EXPECT_EQ(window.values->source, CellValues::WindowRow);
  EXPECT_NEAR(*window.values->probability, last[30], last[30] * 1e-3);
  const Inspection& cell = at(101, 30);
  EXPECT_EQ(cell.values->source, CellValues::MapCell);
  EXPECT_EQ(cell.values->cell_tokens, 4U);
  EXPECT_EQ(cell.values->rank, std::nullopt);
  double most = 0;
  for (std::uint32_t q = 100; q < 104; ++q) {
    const std::vector<double> row = test::SampleAttention(options, 0).row(1, q);
    for (std::uint32_t k = 28; k < 32; ++k) most = std::max(most, row[k]);
  }
  EXPECT_NEAR(*cell.values->probability, most, most * 1e-3) << "the maximum of its cell";
}

TEST_F(InspectorTest, MaskedAndMissingPairsSayThat) {
  ASSERT_TRUE(openSample({.sliding_window = 40}));
  EXPECT_EQ(at(100, 101).values->source, CellValues::Masked);
  EXPECT_EQ(at(100, 60).values->source, CellValues::Masked) << "outside the sliding window";
  EXPECT_EQ(at(100, 61).values->source, CellValues::Exact);
  EXPECT_EQ(m_inspector.current()->values->visible, 40U);
  m_selection.setCursor(std::nullopt);
  EXPECT_FALSE(m_inspector.current());
  m_selection.setCursor(Cell{5, 5});
  m_document.close();
  EXPECT_FALSE(m_inspector.current());
}

}  // namespace
}  // namespace kvatlas::views
