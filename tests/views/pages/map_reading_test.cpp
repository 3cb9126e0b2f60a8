// Reading the map: what the crosshair says, and the overview with its box.
#include <gmock/gmock.h>

#include "tests/views/pages/opened_pages.h"
#include "views/pages/map/map_mosaic.h"
#include "views/pages/map/map_page.h"
#include "views/plots/map/map_overview.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MapReadingTest : public test::OpenedPagesTest {
 protected:
  void openPage() {
    open({.budgets = {32, 64}});
    m_page = std::make_unique<MapPage>(m_document, m_selection);
    show(*m_page, {1000, 700});
    m_selection.setHead({HeadChoice::QueryHead, 1});
    ASSERT_TRUE(atRest());
  }
  bool atRest() {
    return waitUntil([this] {
      QApplication::processEvents();
      return m_thread.pending() == 0 && m_page->settled();
    });
  }
  std::string readout() {
    const CursorReadout& said = m_page->view().readout();
    return (said.place + said.value).join(QLatin1Char('\n')).toStdString();
  }
  MapOverview& overview() { return *child<MapOverview>(*m_page, "mapOverview"); }

  std::unique_ptr<MapPage> m_page;
};

TEST_F(MapReadingTest, TheCrosshairNamesTokensValueAndFate) {
  openPage();
  const RunPointer run = m_document.run(1);
  const std::size_t list = analysis::storedHead(run->run.header, run->model, 1);
  TokenIndex evicted = 0;
  while (run->keeps(LayerIndex(0), list, evicted)) ++evicted;
  m_page->view().setWindow({static_cast<double>(evicted) - 4, evicted + 12.0, 240, 256});  // exact tiles
  ASSERT_TRUE(atRest());
  m_selection.setCursor(Cell{250, evicted});
  EXPECT_THAT(readout(), HasSubstr("query 250 “"));
  EXPECT_THAT(readout(), HasSubstr("key " + std::to_string(evicted) + " “"));
  EXPECT_THAT(readout(), HasSubstr("StreamingLLM 32: evicted")) << "of the run in focus";
  const auto row = m_thread.runHere(
      m_document.source(), [](const trace::Reader& reader) { return *reader.windowRows(LayerIndex(0), HeadIndex(1)); });
  const double exact = static_cast<double>((*row.value)[2 * 256 + evicted]);  // query 250 is the third of the window
  const MapReading drawn = m_page->view().map().read(false, 250, evicted);
  EXPECT_EQ(drawn.cell, 1U);
  EXPECT_NEAR(drawn.probability, exact, exact * 0.01);
  EXPECT_THAT(readout(), HasSubstr("p = " + QString::number(drawn.probability, 'g', 3).toStdString()));
  m_selection.setCursor(Cell{255, 255});
  EXPECT_THAT(readout(), HasSubstr("StreamingLLM 32: kept (window)"));
  m_selection.setFocusRun(0);
  EXPECT_THAT(readout(), Not(HasSubstr("kept"))) << "the full cache keeps everything";
  m_selection.setCursor(Cell{10, 200});
  EXPECT_THAT(readout(), HasSubstr("masked"));
}

TEST_F(MapReadingTest, BothSidesOfAComparisonAreRead) {
  openPage();
  m_selection.setCompareRun(2);
  m_page->setMode(PaneMode::Difference);
  ASSERT_TRUE(atRest());
  m_selection.setCursor(Cell{255, 255});
  EXPECT_THAT(readout(), HasSubstr("A: StreamingLLM 32: kept"));
  EXPECT_THAT(readout(), HasSubstr("B: StreamingLLM 64: kept"));
  // Side by side, each pane speaks of its own run, also the one that was hidden when the cursor was set.
  m_page->setMode(PaneMode::SideBySide);
  ASSERT_TRUE(atRest());
  EXPECT_THAT(readout(), HasSubstr("StreamingLLM 32: kept"));
  EXPECT_THAT(readout(), Not(HasSubstr("StreamingLLM 64")));
  EXPECT_EQ(m_page->secondView().cursor(), (Cell{255, 255}));
  EXPECT_THAT(m_page->secondView().readout().value.join(QLatin1Char('|')).toStdString(),
              HasSubstr("B: StreamingLLM 64: kept"));
}

// It is drawn beside the crosshair, and can be hidden.
TEST_F(MapReadingTest, TheReadoutIsDrawn) {
  openPage();
  m_selection.setCursor(Cell{200, 60});
  ASSERT_TRUE(atRest());
  const QImage with = m_page->view().grab().toImage();
  m_page->setReadoutShown(false);
  EXPECT_EQ(readout(), "");
  QApplication::processEvents();
  const QImage without = m_page->view().grab().toImage();
  int different = 0;
  for (int y = 0; y < with.height(); ++y)
    for (int x = 0; x < with.width(); ++x) different += with.pixel(x, y) != without.pixel(x, y) ? 1 : 0;
  EXPECT_GT(different, 2000) << "a box with four lines of text";
}

// The overview shows the whole map; its box is what the view shows, and moves it.
TEST_F(MapReadingTest, TheOverviewMovesTheView) {
  openPage();
  MapView& view = m_page->view();
  const QRectF all = overview().box();
  EXPECT_GT(all.width(), overview().width() * 0.85) << "everything is visible";
  view.setWindow({64, 128, 128, 192});
  const QRectF part = overview().box();
  EXPECT_LT(part.width(), all.width() / 2);
  const TokenWindow before = view.window();
  // A drag of the box by a quarter of the map.
  const QPoint from = part.center().toPoint(), by(overview().width() / 4, 0);
  QTest::mousePress(&overview(), Qt::LeftButton, {}, from);
  QMouseEvent move(QEvent::MouseMove, from + by, overview().mapToGlobal(from + by), Qt::NoButton, Qt::LeftButton, {});
  QApplication::sendEvent(&overview(), &move);
  QTest::mouseRelease(&overview(), Qt::LeftButton, {}, from + by);
  EXPECT_NEAR(view.window().key_begin - before.key_begin, 256 / 4.0, 8);
  EXPECT_NEAR(view.window().query_begin, before.query_begin, 8);
  // A click outside the box centres there.
  QTest::mouseClick(&overview(), Qt::LeftButton, {}, QPoint(overview().width() / 2, overview().height() - 8));
  EXPECT_GT(view.window().query_end, 240);
  // Its picture is the map's: not blank, and another one for another layer.
  ASSERT_TRUE(atRest());
  const QImage first = overview().grab().toImage();
  m_selection.setLayer(LayerIndex(2));
  ASSERT_TRUE(atRest());
  QApplication::processEvents();
  EXPECT_NE(overview().grab().toImage(), first);
}

TEST_F(MapReadingTest, TheOverviewServesLinkedViews) {
  openPage();
  m_page->setViews(4, 0);
  ASSERT_TRUE(atRest());
  QTest::mouseClick(&overview(), Qt::LeftButton, {}, overview().rect().center());
  m_page->mosaic().view(2).zoomIn();
  QApplication::processEvents();
  const QRectF box = overview().box();
  EXPECT_LT(box.width(), overview().width() * 0.8);
  m_page->setViews(1, 0);
  EXPECT_GT(overview().box().width(), 0);
}

}  // namespace
}  // namespace kvatlas::views
