// The map page: its toolbar, comparisons of runs and traces, pinned pairs, colours.
#include <gmock/gmock.h>

#include <QSignalSpy>
#include <QSpinBox>
#include <QStandardItemModel>
#include <cmath>

#include "tests/views/pages/opened_pages.h"
#include "views/pages/map/map_bar.h"
#include "views/pages/map/map_page.h"
#include "views/plots/map/colour_scale_bar.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

class MapPageTest : public test::OpenedPagesTest {
 protected:
  void openPage(const test::SampleTraceOptions& options = {.budgets = {32, 64}}) {
    open(options);
    m_page = std::make_unique<MapPage>(m_document, m_selection);
    show(*m_page, {1000, 700});
    ASSERT_TRUE(atRest());
  }
  bool atRest() {
    return waitUntil([this] {
      QApplication::processEvents();
      return m_thread.pending() == 0 && m_page->settled();
    });
  }
  static bool near(const TokenWindow& a, const TokenWindow& b) {
    return std::abs(a.key_begin - b.key_begin) < 1e-3 && std::abs(a.key_end - b.key_end) < 1e-3 &&
           std::abs(a.query_begin - b.query_begin) < 1e-3 && std::abs(a.query_end - b.query_end) < 1e-3;
  }
  static bool whole(const MapView& view) { return near(view.window(), fitted(view.frame())); }
  QPoint pixelOf(double query, double key) {
    const QCPAxisRect& rect = m_page->view().mapRect();
    return {qRound(rect.axis(QCPAxis::atBottom)->coordToPixel(key)),
            qRound(rect.axis(QCPAxis::atLeft)->coordToPixel(query))};
  }
  void moveMouse(const QPoint& to) {
    MapView& view = m_page->view();
    QMouseEvent move(QEvent::MouseMove, to, view.mapToGlobal(to), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(&view, &move);
  }
  void leave() {
    QEvent gone(QEvent::Leave);
    QApplication::sendEvent(&m_page->view(), &gone);
    QApplication::processEvents();
  }
  // A second trace, with the same or other tokens.
  std::filesystem::path second(std::uint32_t seed, std::uint32_t tokens = 256) {
    test::SampleTraceOptions options{.tokens = tokens};
    options.seed = seed;
    test::SampleTrace made = test::makeSampleTrace(options);
    if (tokens == 256) made.header.prompt = m_sample.header.prompt;
    test::writeSampleTrace(m_folder / "b.kva.h5", made);
    return m_folder / "b.kva.h5";
  }

  std::unique_ptr<MapPage> m_page;
};

TEST_F(MapPageTest, TheBarChoosesLayerHeadAndReduction) {
  openPage();
  auto* layer = child<QSpinBox>(*m_page, "mapLayer");
  QTest::keyClick(layer, Qt::Key_Down);
  EXPECT_EQ(m_selection.layer(), LayerIndex(1)) << "as on the map: down is the next layer";
  QTest::keyClick(layer, Qt::Key_Up);
  EXPECT_EQ(m_selection.layer(), LayerIndex(0));
  choose(*m_page, "mapHead", 3);
  EXPECT_EQ(m_selection.head(), headChoices(m_document.model())[3]);
  choose(*m_page, "mapReduction", 1);
  EXPECT_EQ(m_selection.reduction(), trace::Reduction::Mean);
  m_selection.setLayer(LayerIndex(3));
  EXPECT_EQ(layer->value(), 3) << "and it follows the selection";
  EXPECT_EQ(layer->maximum(), 3);
}

TEST_F(MapPageTest, ArrowKeysStepLayerAndHead) {
  openPage();
  m_selection.setHead({HeadChoice::QueryHead, 1});
  m_page->view().setFocus();
  QTest::keyClick(&m_page->view(), Qt::Key_Down);
  QTest::keyClick(&m_page->view(), Qt::Key_Right);
  EXPECT_EQ(m_selection.layer(), LayerIndex(1));
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 2}));
}

TEST_F(MapPageTest, SideBySidePanesShowTheWholeMapAndMoveTogether) {
  openPage();
  EXPECT_TRUE(whole(m_page->view()));
  choose(*m_page, "mapMode", static_cast<int>(PaneMode::SideBySide));
  EXPECT_NE(m_selection.compareRun(), kNoRun) << "a compare run is chosen";
  ASSERT_TRUE(atRest());
  ASSERT_TRUE(m_page->secondView().isVisible());
  EXPECT_TRUE(waitUntil([this] { return whole(m_page->view()) && whole(m_page->secondView()); }));
  QTest::keyClick(&m_page->secondView(), Qt::Key_Plus);
  EXPECT_FALSE(whole(m_page->secondView()));
  EXPECT_TRUE(near(m_page->view().window(), m_page->secondView().window()));
  QTest::keyClick(&m_page->view(), Qt::Key_Home);
  EXPECT_TRUE(near(m_page->view().window(), m_page->secondView().window()));
  choose(*m_page, "mapMode", static_cast<int>(PaneMode::Single));
  ASSERT_TRUE(atRest());
  EXPECT_FALSE(m_page->secondView().isVisible());
  EXPECT_TRUE(waitUntil([this] { return whole(m_page->view()); })) << "single again, still the whole map";
}

TEST_F(MapPageTest, EveryComparisonModeDrawsADifferentPicture) {
  openPage();
  m_selection.setFocusRun(1);
  m_selection.setCompareRun(5);
  const auto picture = [this](PaneMode mode) {
    m_page->setMode(mode);
    EXPECT_TRUE(atRest());
    m_page->view().replot();
    return m_page->view().grab().toImage();
  };
  const QImage alone = picture(PaneMode::Single), split = picture(PaneMode::Split),
               difference = picture(PaneMode::Difference);
  EXPECT_NE(alone, split);
  EXPECT_NE(alone, difference);
  EXPECT_NE(split, difference);
  EXPECT_EQ(alone, picture(PaneMode::Single)) << "restored";
}

TEST_F(MapPageTest, BlinkingAlternatesByTimer) {
  openPage();
  m_selection.setFocusRun(1);
  m_selection.setCompareRun(5);
  m_page->setMode(PaneMode::Blink);
  ASSERT_TRUE(atRest());
  const PictureSides first = m_page->view().picture().mode;
  EXPECT_TRUE(waitUntil([&] { return m_page->view().picture().mode != first; }));
  EXPECT_TRUE(waitUntil([&] { return m_page->view().picture().mode == first; }));
}

TEST_F(MapPageTest, TheRatioNeedsTwoTraces) {
  openPage();
  QSignalSpy noted(m_page.get(), &MapPage::noted);
  m_page->setMode(PaneMode::Ratio);
  EXPECT_EQ(m_page->mode(), PaneMode::Single) << "not silently another comparison";
  ASSERT_EQ(noted.size(), 1);
  EXPECT_THAT(noted[0][0].toString().toStdString(), HasSubstr("second trace"));
  auto* items = qobject_cast<QStandardItemModel*>(child<QComboBox>(*m_page, "mapMode")->model());
  EXPECT_FALSE(items->item(static_cast<int>(PaneMode::Ratio))->isEnabled());
}

TEST_F(MapPageTest, ASecondTraceOfTheSameTokensIsCompared) {
  openPage();
  m_page->other().open(second(7));
  ASSERT_TRUE(waitUntil([this] { return m_page->other().isOpen(); }));
  EXPECT_EQ(m_page->mode(), PaneMode::SideBySide);
  ASSERT_TRUE(atRest());
  ASSERT_TRUE(m_page->secondView().isVisible());
  EXPECT_EQ(m_page->secondView().picture().b->source, &m_page->other().tiles());
  choose(*m_page, "mapMode", static_cast<int>(PaneMode::Ratio));
  EXPECT_EQ(m_page->view().picture().mode, PictureSides::Ratio);
  EXPECT_TRUE(atRest());
  m_page->other().close();
  EXPECT_EQ(m_page->mode(), PaneMode::Single) << "no second trace, no ratio";
  EXPECT_TRUE(atRest());
}

TEST_F(MapPageTest, ASecondTraceOfOtherTokensIsRefused) {
  openPage();
  QSignalSpy failed(m_page.get(), &MapPage::failed);
  m_page->other().open(second(1, 200));
  ASSERT_TRUE(waitUntil([&] { return !failed.isEmpty(); }));
  EXPECT_THAT(failed.first().first().toString().toStdString(), HasSubstr("b.kva.h5"));
  EXPECT_THAT(failed.first().first().toString().toStdString(), HasSubstr("200 tokens"));
  EXPECT_FALSE(m_page->other().isOpen());
  EXPECT_EQ(m_page->mode(), PaneMode::Single);
}

TEST_F(MapPageTest, AClickPinsThePairWhenTheMouseLeaves) {
  openPage();
  moveMouse(pixelOf(200.5, 40.5));
  ASSERT_TRUE(m_selection.cursor().has_value());
  EXPECT_NEAR(m_selection.cursor()->key, 40, 1);
  leave();
  EXPECT_FALSE(m_selection.cursor().has_value()) << "hovering alone pins nothing";
  QTest::mouseClick(&m_page->view(), Qt::LeftButton, {}, pixelOf(200.5, 40.5));
  const auto held = m_selection.cursor();
  ASSERT_TRUE(held.has_value());
  moveMouse(pixelOf(220.5, 100.5));
  EXPECT_NE(m_selection.cursor(), held);
  leave();
  EXPECT_EQ(m_selection.cursor(), held);
}

TEST_F(MapPageTest, TheCursorReturnsToACellSelectedElsewhere) {
  openPage();
  m_selection.setCursor(Cell{250, 17});
  moveMouse(pixelOf(220.5, 100.5));
  leave();
  EXPECT_EQ(m_selection.cursor(), (std::optional<Cell>(Cell{250, 17})));
}

TEST_F(MapPageTest, ColoursAreSharedByBothPanesAndTheBar) {
  openPage();
  ColourSettings colours = m_page->colours();
  colours.table = "cividis";
  colours.low = 1e-3;
  QSignalSpy changed(m_page.get(), &MapPage::coloursChanged);
  emit m_page->scaleBar().settingsChanged(colours);
  EXPECT_EQ(changed.count(), 1);
  EXPECT_EQ(m_page->view().colours(), colours);
  EXPECT_EQ(m_page->secondView().colours(), colours);
  EXPECT_EQ(m_page->scaleBar().settings(), colours);
  QTest::keyClick(&m_page->view(), Qt::Key_Plus);
  m_selection.setLayer(LayerIndex(2));
  ASSERT_TRUE(atRest());
  EXPECT_EQ(m_page->colours(), colours) << "limits stay while panning";
}

}  // namespace
}  // namespace kvatlas::views
