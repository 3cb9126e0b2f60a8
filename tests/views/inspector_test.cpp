// The inspector against the sample's source attention.
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

// A run that merges while it decodes: what went into a key, when it is given up itself, and where it goes then.
TEST(KeyFates, FollowMergesWhileDecoding) {
  RunView view;
  view.model = {.layers = 1, .query_heads = 2, .kv_heads = 2};
  view.tokens = 6;
  view.run.header.heads = 2;
  view.run.header.merges = true;
  trace::RunRecord& record = view.run.record;
  record.capacity = {3, 3};
  record.kept_offsets = {0, 3, 6};
  record.kept_positions = {0, 2, 5, 1, 2, 5};
  record.evicted = {{1, 0, 0, 0}, {2, 0, 1, 1}, {3, 0, 0, 2}, {4, 0, 1, 5}, {4, 0, 1, 7}};
  record.evicted_into = {2, 2, 6, trace::kNoToken, 2};
  const HeadChoice all{HeadChoice::MeanOverHeads, 0}, first{HeadChoice::QueryHead, 0};
  const KeyFate both = keyFate(view, LayerIndex(0), all, 2);
  EXPECT_EQ(both.keeping, 2U);
  EXPECT_EQ(both.sources, 3U) << "0 in one head; 1 and a generated token in the other";
  EXPECT_EQ(both.gone, 1U);
  EXPECT_EQ(both.gone_after, 3U);
  EXPECT_EQ(both.into, 6U);
  const KeyFate one = keyFate(view, LayerIndex(0), first, 0);
  EXPECT_EQ(one.sources, 0U);
  EXPECT_EQ(one.gone_after, 1U);
  EXPECT_EQ(one.into, 2U);
  const KeyFate lost = keyFate(view, LayerIndex(0), {HeadChoice::QueryHead, 1}, 5);
  EXPECT_EQ(lost.gone_after, 4U);
  EXPECT_FALSE(lost.into) << "it was lost";
  EXPECT_FALSE(keyFate(view, LayerIndex(0), first, 5).gone_after);
}

TEST_F(InspectorTest, AggregatesSeveralHeadsLikeTheMap) {
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

TEST_F(InspectorTest, FallsBackToWindowRowsAndTheMapWithoutQueriesAndKeys) {
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

TEST_F(InspectorTest, ReportsMaskedAndMissingPairs) {
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
