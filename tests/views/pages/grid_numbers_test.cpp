// The numbers of the layer × head grid against the trace, their filter, and the keyboard in it.
#include <gmock/gmock.h>

#include <QLabel>
#include <QLineEdit>
#include <QVBoxLayout>
#include <cmath>

#include "tests/views/pages/opened_pages.h"
#include "views/models/items/model_roles.h"
#include "views/models/map/tile_cache.h"
#include "views/pages/grid_page.h"

namespace kvatlas::views {
namespace {

class GridNumbersTest : public test::OpenedPagesTest {};

// The range of the grid's colours is that of all layers, whatever part is visible.
TEST_F(GridNumbersTest, TheRangeOfTheGridIsThatOfAllLayers) {
  m_sample = test::makeSampleTrace({.layers = 12});
  openSample();
  TileCache tiles(m_document);
  GridPage page(m_document, m_selection, tiles);
  show(page, {220, 150});
  ASSERT_TRUE(waitUntil([&] { return m_thread.pending() == 0 && page.model().range().has_value(); }));
  float low = INFINITY, high = -INFINITY;
  for (int row = 0; row < page.model().rowCount(); ++row)
    for (int column = 0; column < page.model().columnCount(); ++column) {
      const float value = page.model().index(row, column).data(ValueRole).toFloat();
      low = std::min(low, value);
      high = std::max(high, value);
    }
  ASSERT_TRUE(page.model().range());
  EXPECT_EQ(page.model().range()->first, low);
  EXPECT_EQ(page.model().range()->second, high);
  const auto before = page.model().range();
  page.table().scrollToBottom();
  ASSERT_TRUE(settled());
  EXPECT_EQ(page.model().range(), before);
}

// Tab leaves the grid; arrows move in it, Return and Space open a cell.
TEST_F(GridNumbersTest, TheGridIsNoKeyboardTrap) {
  open();
  TileCache tiles(m_document);
  QWidget window;
  auto* column = new QVBoxLayout(&window);
  auto* page = new GridPage(m_document, m_selection, tiles);
  auto* after = new QLineEdit;
  column->addWidget(page);
  column->addWidget(after);
  show(window, {300, 400});
  window.activateWindow();
  page->table().setFocus();
  ASSERT_TRUE(page->table().hasFocus());
  QTest::keyClick(&page->table(), Qt::Key_Down);
  QTest::keyClick(&page->table(), Qt::Key_Right);
  const QModelIndex at = page->table().currentIndex();
  EXPECT_EQ(at.column(), 1);
  EXPECT_EQ(at.row(), 1);
  QTest::keyClick(&page->table(), Qt::Key_Return);
  EXPECT_EQ(m_selection.layer(), LayerIndex(1));
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 1}));
  for (int presses = 0; presses < 4 && page->table().hasFocus(); ++presses)
    QTest::keyClick(&page->table(), Qt::Key_Tab);
  EXPECT_FALSE(page->table().hasFocus());
}

// Attention on a named span is a number of the grid; a filter fades what does not match.
TEST_F(GridNumbersTest, TheGridKnowsAttentionOnASpanAndFilters) {
  open();
  TileCache tiles(m_document);
  GridPage page(m_document, m_selection, tiles);
  show(page, {400, 400});
  auto* metric = child<QComboBox>(page, "gridMetric");
  const trace::Span& span = m_document.prompt().spans.front();
  const int at = metric->findText(QStringLiteral("attention on ") + QString::fromStdString(span.name));
  ASSERT_GT(at, 0);
  metric->setCurrentIndex(at);
  ASSERT_TRUE(waitUntil([&] {
    return m_thread.pending() == 0 && !std::isnan(page.model().value({LayerIndex(3), 3}));
  }));
  const auto answer = m_thread.runHere(
      m_document.source(), [](const trace::Reader& reader) { return *reader.windowRows(LayerIndex(2), HeadIndex(1)); });
  double mass = 0;
  for (std::size_t query = 0; query < 8; ++query)
    for (TokenIndex key = span.begin; key < span.end; ++key)
      mass += static_cast<double>((*answer.value)[query * 256 + key]) / 8;
  EXPECT_NEAR(page.model().value({LayerIndex(2), 1}), mass, 1e-3);
  const float middle = page.model().value({LayerIndex(2), 1});
  QTest::keyClicks(child<QLineEdit>(page, "gridFilter"), QStringLiteral("> %1").arg(static_cast<double>(middle)));
  int matching = 0;
  for (int row = 0; row < 4; ++row)
    for (int column = 0; column < 4; ++column)
      matching += page.model().index(row, column).data(MatchRole).toBool() ? 1 : 0;
  EXPECT_EQ(matching, page.model().matching());
  EXPECT_LT(matching, 16);
  EXPECT_EQ(child<QLabel>(page, "gridCount")->text(), QStringLiteral("%1 of 16").arg(matching));
}

// Which layers lose a span: the share of its tokens that the run in focus keeps, per head.
TEST_F(GridNumbersTest, TheGridKnowsWhatARunKeepsOfASpan) {
  open();
  TileCache tiles(m_document);
  GridPage page(m_document, m_selection, tiles);
  show(page, {400, 400});
  m_selection.setFocusRun(3);
  auto* metric = child<QComboBox>(page, "gridMetric");
  const trace::Span& span = m_document.prompt().spans.front();
  metric->setCurrentIndex(metric->findText(QStringLiteral("kept of ") + QString::fromStdString(span.name)));
  ASSERT_TRUE(settled());
  const RunPointer run = m_document.run(3);
  for (std::size_t layer = 0; layer < 4; ++layer)
    for (std::uint32_t head = 0; head < 4; ++head) {
      int kept = 0;
      for (TokenIndex token = span.begin; token < span.end; ++token)
        kept += run->keeps(LayerIndex(layer), analysis::storedHead(run->run.header, run->model, head), token) ? 1 : 0;
      EXPECT_FLOAT_EQ(page.model().value({LayerIndex(layer), head}),
                      static_cast<float>(kept) / static_cast<float>(span.end - span.begin));
    }
  m_selection.setFocusRun(0);
  EXPECT_EQ(page.model().value({LayerIndex(1), 1}), 1) << "the full cache keeps everything";
  EXPECT_EQ(page.model().range(), std::pair(0.0F, 1.0F)) << "the same colours for every run";
  // A filter in percent is the same number.
  EXPECT_DOUBLE_EQ(parseFilter(QStringLiteral("retained < 70 %"))->below, 0.7);
  EXPECT_DOUBLE_EQ(parseFilter(QStringLiteral("> 0.1"))->above, 0.1);
  EXPECT_FALSE(parseFilter(QStringLiteral("much")));
}

}  // namespace
}  // namespace kvatlas::views
