// The layer × head grid: numbers and small maps, order, groups, and what a click opens.
#include <gmock/gmock.h>

#include <QAbstractItemModelTester>
#include <QCheckBox>
#include <set>

#include "tests/views/pages/opened_pages.h"
#include "views/models/items/model_roles.h"
#include "views/models/map/tile_cache.h"
#include "views/pages/agreement_page.h"
#include "views/pages/grid_page.h"

namespace kvatlas::views {
namespace {

class GridPageTest : public test::OpenedPagesTest {
 protected:
  void openPage() {
    open();
    m_page = std::make_unique<GridPage>(m_document, m_selection, m_tiles);
    show(*m_page, {300, 330});
    ASSERT_TRUE(atRest());
  }
  bool atRest() {
    return waitUntil([this] {
      QApplication::processEvents();
      return m_thread.pending() == 0 && m_tiles.inFlight() == 0;
    });
  }
  QRect areaOf(int row, int column) { return m_page->table().visualRect(m_page->model().index(row, column)); }
  void clickCell(int row, int column) {
    QTest::mouseClick(m_page->table().viewport(), Qt::LeftButton, {}, areaOf(row, column).center());
  }
  // Different colours inside a cell, away from its frame.
  std::size_t coloursIn(int row, int column) {
    const QImage image = m_page->table().viewport()->grab(areaOf(row, column).adjusted(4, 4, -5, -5)).toImage();
    std::set<QRgb> colours;
    for (int y = 0; y < image.height(); ++y)
      for (int x = 0; x < image.width(); ++x) colours.insert(image.pixel(x, y));
    return colours.size();
  }

  TileCache m_tiles{m_document};
  std::unique_ptr<GridPage> m_page;
};

TEST_F(GridPageTest, AClickOpensTheLayerAndHead) {
  openPage();
  clickCell(2, 1);
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 1}));
  EXPECT_TRUE(m_page->model().index(2, 1).data(CurrentRole).toBool());
}

TEST_F(GridPageTest, TheListOfNumbersAndTheOrderAreChosen) {
  openPage();
  const QAbstractItemModelTester tester(&m_page->model(), QAbstractItemModelTester::FailureReportingMode::Warning);
  choose(*m_page, "gridMetric", 2);
  EXPECT_EQ(m_page->model().metric(), analysis::HeadMetric::SinkMass);
  choose(*m_page, "gridSorting", 2);
  ASSERT_TRUE(atRest());
  float before = INFINITY;
  for (int row = 0; row < m_page->model().rowCount(); ++row)
    for (int column = 0; column < m_page->model().columnCount(); ++column) {
      const float value = m_page->model().index(row, column).data(ValueRole).toFloat();
      EXPECT_LE(value, before);
      before = value;
    }
  const GridCell first = m_page->model().cellAt(m_page->model().index(0, 0));
  clickCell(0, 0);
  EXPECT_EQ(m_selection.layer(), first.layer);
  EXPECT_EQ(m_selection.head().index, first.head);
}

TEST_F(GridPageTest, GroupsHaveOneColumnPerKvHead) {
  openPage();
  EXPECT_EQ(m_page->model().columnCount(), 4);
  auto* grouped = child<QCheckBox>(*m_page, "gridGrouped");
  QTest::mouseClick(grouped, Qt::LeftButton, {}, QPoint(8, grouped->height() / 2));
  EXPECT_EQ(m_page->model().columnCount(), 2);
  clickCell(1, 1);
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::MeanOverGroup, 1}));
}

TEST_F(GridPageTest, SmallMapsAreDrawnFromTheTiles) {
  openPage();
  EXPECT_LE(coloursIn(3, 3), 200U);
  choose(*m_page, "gridMetric", 0);
  QApplication::processEvents();
  ASSERT_TRUE(atRest());
  m_page->table().viewport()->repaint();
  ASSERT_TRUE(atRest());
  const QImage one = m_page->table().viewport()->grab(areaOf(1, 1)).toImage();
  EXPECT_NE(one, m_page->table().viewport()->grab(areaOf(2, 2)).toImage()) << "every head has its own";
  EXPECT_GT(coloursIn(1, 1), 20U);
  ColourSettings grey;
  grey.table = "grey";
  m_page->setColours(grey);
  EXPECT_NE(m_page->table().viewport()->grab(areaOf(1, 1)).toImage(), one) << "in the colours of the map";
}

TEST_F(GridPageTest, TheCsvHoldsEveryCell) {
  openPage();
  EXPECT_EQ(m_page->csv().count(QLatin1Char('\n')), 1 + 16);
  EXPECT_TRUE(m_page->csv().startsWith(QLatin1String("layer,head,entropy\n")));
}

TEST_F(GridPageTest, AClickOnAnAgreementComparesTheTwoRuns) {
  open();
  m_selection.setFocusRun(3);
  AgreementPage page(m_document, m_selection);
  const QAbstractItemModelTester tester(&page.model(), QAbstractItemModelTester::FailureReportingMode::Warning);
  show(page, {800, 260});
  ASSERT_TRUE(settled());
  const QModelIndex cell = page.model().index(2, 1);
  QTest::mouseClick(page.table().viewport(), Qt::LeftButton, {}, page.table().visualRect(cell).center());
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.compareRun(), cell.data(RunRole).toInt());
  EXPECT_EQ(page.csv().count(QLatin1Char('\n')), 1 + (4 + 1) * page.model().columnCount());
}

}  // namespace
}  // namespace kvatlas::views
