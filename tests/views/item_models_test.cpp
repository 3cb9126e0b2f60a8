// The item models under QAbstractItemModelTester, and their contents against numbers computed from the sample.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <set>

#include "tests/views/opened_document.h"
#include "views/models/items/agreement_model.h"
#include "views/models/items/layer_head_model.h"
#include "views/models/items/model_roles.h"
#include "views/models/items/token_model.h"

namespace kvatlas::views {
namespace {

using test::ModelTester;
using test::SampleTrace;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string shown(const QAbstractItemModel& model, int row, int column, int role = Qt::DisplayRole) {
  return model.data(model.index(row, column), role).toString().toStdString();
}

class LayerHeadModelTest : public test::OpenedDocumentTest {
 protected:
  float value(std::uint32_t layer, std::uint32_t head) const {
    return m_model.value({LayerIndex(std::size_t{layer}), head});
  }
  // Reads all cells, as a view does.
  void readAll() {
    for (int row = 0; row < m_model.rowCount(); ++row) (void)m_model.data(m_model.index(row, 0), Qt::DisplayRole);
    settle();
  }
  LayerHeadModel m_model{m_document, m_selection};
  ModelTester m_tester{&m_model};
};

TEST_F(LayerHeadModelTest, NumbersAreReadWhenShownAndEqualTheSample) {
  const SampleTrace made = test::makeSampleTrace();
  ASSERT_TRUE(openSample());
  EXPECT_EQ(m_model.rowCount(), 4);
  EXPECT_EQ(m_model.columnCount(), 4);
  (void)shown(m_model, 2, 1);
  ASSERT_TRUE(settle());
  const auto& entropy = made.layers[2].values[Signal::Entropy];
  EXPECT_NEAR(value(2, 1), std::accumulate(entropy.begin() + 256, entropy.begin() + 512, 0.0) / 256, 1e-5);
  EXPECT_FALSE(std::isnan(value(1, 1))) << "all layers: the range of the colours must not change while scrolling";
  readAll();
  const auto& received = made.layers[3].values[Signal::Received];
  m_model.setMetric(analysis::HeadMetric::SinkMass);
  EXPECT_NEAR(value(3, 2), std::accumulate(received.begin() + 512, received.begin() + 516, 0.0) / 256, 1e-5);
  m_model.setMetric(analysis::HeadMetric::Concentration);
  std::vector<float> sorted(received.begin() + 512, received.begin() + 768);
  std::sort(sorted.rbegin(), sorted.rend());
  EXPECT_NEAR(value(3, 2), (sorted[0] + sorted[1]) / 256, 1e-5) << "1 % of 256 tokens are 2";
}

TEST_F(LayerHeadModelTest, LocalityIsTheShareNearTheDiagonal) {
  ASSERT_TRUE(openSample({.tokens = 64, .layers = 1, .query_heads = 2, .kv_heads = 1, .map_size = 64}));
  readAll();
  m_model.setMetric(analysis::HeadMetric::Locality);
  // 64 cells of one token: near is at most 2 tokens back. The oracle regenerates the attention.
  const auto rows = m_thread.runHere(m_document.source(), [](const trace::Reader& reader) {
    return *reader.map(LayerIndex(0), HeadIndex(1), trace::Reduction::Max, 0);
  });
  double near = 0, all = 0;
  for (std::size_t q = 0; q < 64; ++q) {
    for (std::size_t k = 0; k <= q; ++k) {
      const double p = (*rows.value)[q * 64 + k];
      all += p;
      near += q - k <= 2 ? p : 0;
    }
  }
  EXPECT_NEAR(value(0, 1), near / all, 1e-5);
}

TEST_F(LayerHeadModelTest, RunNumbersFollowTheFocus) {
  const SampleTrace made = test::makeSampleTrace();
  ASSERT_TRUE(openSample());
  m_model.setMetric(analysis::HeadMetric::Kept);
  m_selection.setFocusRun(4);
  ASSERT_TRUE(settle());
  EXPECT_EQ(value(1, 3), static_cast<float>(made.runs[4].capacity[1 * 2 + 1])) << "query head 3 is served by KV head 1";
  m_model.setMetric(analysis::HeadMetric::Retained);
  double sum = 0;
  for (std::size_t step = 0; step < 6; ++step) sum += made.runs[4].retained[(step * 4 + 1) * 4 + 3];
  EXPECT_NEAR(value(1, 3), sum / 6, 1e-5);
  m_selection.setFocusRun(kNoRun);
  EXPECT_TRUE(std::isnan(value(1, 3)));
}

TEST_F(LayerHeadModelTest, SortsByTheNumberAndKeepsCellsFindable) {
  ASSERT_TRUE(openSample());
  const QPersistentModelIndex held(m_model.indexOf({LayerIndex(2), 1}));
  m_model.setSorting(LayerHeadModel::Descending);
  ASSERT_TRUE(settle());
  float last = std::numeric_limits<float>::infinity();
  std::set<GridCell> seen;
  for (int row = 0; row < 4; ++row) {
    for (int column = 0; column < 4; ++column) {
      const QModelIndex index = m_model.index(row, column);
      const float number = m_model.data(index, ValueRole).toFloat();
      EXPECT_LE(number, last);
      last = number;
      seen.insert(m_model.cellAt(index));
      EXPECT_EQ(m_model.indexOf(m_model.cellAt(index)), index);
    }
  }
  EXPECT_EQ(seen.size(), 16U);
  EXPECT_EQ(m_model.cellAt(held), (GridCell{LayerIndex(2), 1})) << "persistent indexes follow";
  m_model.open(m_model.index(0, 0));
  EXPECT_EQ(m_selection.layer(), m_model.cellAt(m_model.index(0, 0)).layer);
  EXPECT_TRUE(m_model.data(m_model.index(0, 0), CurrentRole).toBool());
  EXPECT_FALSE(m_model.data(m_model.index(0, 1), CurrentRole).toBool());
  m_model.setSorting(LayerHeadModel::InOrder);
  EXPECT_EQ(m_model.cellAt(held), (GridCell{LayerIndex(2), 1}));
}

TEST_F(LayerHeadModelTest, GroupsAreMeansOfTheirHeads) {
  ASSERT_TRUE(openSample());
  readAll();
  const float mean = (value(1, 2) + value(1, 3)) / 2;
  m_model.setGrouped(true);
  EXPECT_EQ(m_model.columnCount(), 2);
  EXPECT_NEAR(value(1, 1), mean, 1e-6);
  m_model.open(m_model.index(1, 1));
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::MeanOverGroup, 1}));
  EXPECT_TRUE(m_model.data(m_model.index(1, 1), CurrentRole).toBool());
}

TEST_F(LayerHeadModelTest, SmallestTraceAndNoneAtAll) {
  EXPECT_EQ(m_model.rowCount(), 0);
  ASSERT_TRUE(openSample(
      {.tokens = 1, .layers = 1, .query_heads = 1, .kv_heads = 1, .window = 1, .new_tokens = 0, .budgets = {1}}));
  for (const analysis::HeadMetric metric : analysis::kHeadMetrics) {
    m_model.setMetric(metric);
    readAll();
    EXPECT_FALSE(shown(m_model, 0, 0).empty());
  }
  m_document.close();
  EXPECT_EQ(m_model.rowCount(), 0);
}

class AgreementModelTest : public test::OpenedDocumentTest {
 protected:
  AgreementModel m_model{m_document, m_selection};
  ModelTester m_tester{&m_model};
};

TEST_F(AgreementModelTest, CellsAreMeanJaccardIndices) {
  const SampleTrace made = test::makeSampleTrace();
  ASSERT_TRUE(openSample());
  m_selection.setFocusRun(3);
  EXPECT_EQ(m_model.rowCount(), 5);
  EXPECT_EQ(m_model.columnCount(), 3) << "neither the focus nor the full run";
  (void)shown(m_model, 0, 1);
  ASSERT_TRUE(settle());
  double sum = 0;
  for (std::size_t head = 0; head < 2; ++head) {
    const auto keptOf = [&](std::size_t run) {
      const auto& r = made.runs[run];
      const auto begin = r.kept_positions.begin();
      return std::set<TokenIndex>(begin + static_cast<long>(r.kept_offsets[2 + head]),
                                  begin + static_cast<long>(r.kept_offsets[3 + head]));
    };
    std::set<TokenIndex> both, either = keptOf(3);
    for (const TokenIndex position : keptOf(2)) {
      if (either.count(position) > 0) both.insert(position);
      either.insert(position);
    }
    sum += static_cast<double>(both.size()) / static_cast<double>(either.size());
  }
  EXPECT_NEAR(m_model.data(m_model.index(1, 1), ValueRole).toDouble(), sum / 2, 1e-6);
  double mean = 0;
  for (int layer = 0; layer < 4; ++layer) mean += m_model.data(m_model.index(layer, 1), ValueRole).toDouble() / 4;
  EXPECT_NEAR(m_model.data(m_model.index(4, 1), ValueRole).toDouble(), mean, 1e-6);
  m_model.open(m_model.index(2, 1));
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.compareRun(), 2);
  m_selection.setHidden(2, true);
  EXPECT_EQ(m_model.columnCount(), 2);
}

class TokenModelTest : public test::OpenedDocumentTest {
 protected:
  TokenModel m_model{m_document, m_selection};
  ModelTester m_tester{&m_model};
};

// Ctrl+C in a table without a current cell asks for the data of no index; a header may ask for a column just gone.
TEST_F(TokenModelTest, WhatIsNotThereHasNoData) {
  ASSERT_TRUE(openSample());
  EXPECT_FALSE(m_model.data(QModelIndex(), Qt::DisplayRole).isValid());
  EXPECT_FALSE(m_model.headerData(TokenModel::FirstRun + 99, Qt::Horizontal, Qt::DisplayRole).isValid());
}

TEST_F(TokenModelTest, ShowsTextSpansMassAndWhyRunsKeepAToken) {
  const SampleTrace made = test::makeSampleTrace();
  ASSERT_TRUE(openSample());
  m_selection.setLayer(LayerIndex(1));
  m_selection.setHead({HeadChoice::QueryHead, 3});
  for (const RunId id : m_document.runIds()) (void)m_document.run(id);
  ASSERT_TRUE(settle());
  EXPECT_EQ(m_model.rowCount(), 256);
  EXPECT_EQ(m_model.columnCount(), TokenModel::FirstRun + 5);
  EXPECT_EQ(shown(m_model, 102, TokenModel::Text), "·Emma");
  EXPECT_EQ(shown(m_model, 102, TokenModel::Spans), "needle");
  EXPECT_NEAR(m_model.data(m_model.index(9, TokenModel::Received), ValueRole).toFloat(),
              made.layers[1].values[Signal::Received][3 * 256 + 9], 1e-6);
  EXPECT_EQ(shown(m_model, 9, TokenModel::FirstRun), "everything") << "the full run";
  EXPECT_EQ(shown(m_model, 0, TokenModel::FirstRun + 1), "sink") << "StreamingLLM";
  EXPECT_EQ(shown(m_model, 255, TokenModel::FirstRun + 3), "window");
  for (TokenIndex token = 0; token < 256; ++token) {
    const auto& r = made.runs[3];
    const bool kept = std::binary_search(r.kept_positions.begin() + static_cast<long>(r.kept_offsets[3]),
                                         r.kept_positions.begin() + static_cast<long>(r.kept_offsets[4]), token);
    EXPECT_EQ(m_model.keptFraction(3, token), kept ? 1.0F : 0.0F) << token;
  }
  m_selection.setHead({HeadChoice::MeanOverHeads, 0});
  EXPECT_EQ(shown(m_model, 255, TokenModel::FirstRun + 3), "2/2") << "two stored heads serve the selection";
}

TEST_F(TokenModelTest, FindsPositionsSpansAndTextAndWrapsAround) {
  ASSERT_TRUE(openSample());
  m_model.setQuery("48213");
  ASSERT_EQ(m_model.matches().size(), 1U);
  EXPECT_EQ(m_model.matches()[0].begin, 106U);
  m_model.setQuery("EMMA KEEPS");
  ASSERT_EQ(m_model.matches().size(), 2U) << "the needle and the question; ASCII case does not matter";
  EXPECT_EQ(m_model.matches()[0].begin, 102U);
  EXPECT_EQ(m_model.matches()[0].end, 104U);
  EXPECT_EQ(m_model.next(0)->begin, 102U);
  EXPECT_EQ(m_selection.keyRange(), (TokenRange{102, 104}));
  EXPECT_EQ(m_selection.cursor()->key, 102U);
  EXPECT_EQ(m_model.next(102)->begin, m_model.matches()[1].begin);
  EXPECT_EQ(m_model.next(252)->begin, 102U) << "wraps at the end";
  EXPECT_EQ(m_model.previous(102)->begin, m_model.matches()[1].begin) << "wraps at the start";
  m_model.setQuery("needle");
  ASSERT_EQ(m_model.matches().size(), 1U);
  EXPECT_EQ(m_model.matches()[0].kind, TokenMatch::SpanName);
  m_model.setQuery("17");
  ASSERT_FALSE(m_model.matches().empty());
  EXPECT_EQ(m_model.matches()[0].kind, TokenMatch::Position);
  EXPECT_EQ(m_model.matches()[0].begin, 17U);
  m_model.setQuery("no such words");
  EXPECT_EQ(m_model.next(0), std::nullopt);
  m_model.setQuery("");
  EXPECT_TRUE(m_model.matches().empty());
}

TEST(TokenText, ShowsInvisibleCharacters) {
  EXPECT_EQ(visibleText(" the"), "·the");
  EXPECT_EQ(visibleText("a b"), "a b");
  EXPECT_EQ(visibleText("\n\t\x01"), "↵⇥⟨01⟩");
  EXPECT_EQ(visibleText("é漢😀"), "é漢😀");
  EXPECT_EQ(visibleText("\xE6\xBC"), "⟨E6⟩⟨BC⟩") << "part of a character";
  EXPECT_EQ(visibleText("\xC0\xAF\xED\xA0\x80"), "⟨C0⟩⟨AF⟩⟨ED⟩⟨A0⟩⟨80⟩") << "overlong, surrogate";
  trace::Prompt prompt{.ids = {7, 8}, .text = "", .offsets = {0, 0, 0}};
  EXPECT_EQ(tokenText(prompt, 1), "#8");
  EXPECT_EQ(tokenText(prompt, 2), "");
  EXPECT_TRUE(findTokens(prompt, "x").empty());
  prompt.spans = {{0, 2, "all"}, {1, 2, "last"}};
  EXPECT_EQ(spansAt(prompt, 1), "last, all");
}

}  // namespace
}  // namespace kvatlas::views
