// Linked views: several maps that move together, each with a layer, heads and a run of its own on request.
#include <gmock/gmock.h>

#include <QMenu>
#include <QTimer>
#include <QToolButton>
#include <cmath>
#include <map>

#include "tests/views/pages/opened_pages.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/map/map_mosaic.h"
#include "views/pages/map/map_page.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

class LinkedViewsTest : public test::OpenedPagesTest {
 protected:
  void openPage(int count, int spread) {
    open();
    m_page = std::make_unique<MapPage>(m_document, m_selection);
    show(*m_page, {1000, 800});
    m_selection.setHead({HeadChoice::QueryHead, 1});
    choose(*m_page, "mapViews", std::map<int, int>{{2, 1}, {4, 2}, {9, 3}}.at(count));
    if (spread > 0) choose(*m_page, "mapSpread", spread);
    ASSERT_TRUE(atRest());
    ASSERT_EQ(m_page->mosaic().count(), count);
  }
  bool atRest() {
    return waitUntil([this] {
      QApplication::processEvents();
      return m_thread.pending() == 0 && m_page->settled();
    });
  }
  MapMosaic& mosaic() { return m_page->mosaic(); }
  const Selection& at(int pane) { return mosaic().selection(pane); }
  QToolButton& title(int pane) { return *child<QToolButton>(*m_page, ("paneTitle" + std::to_string(pane)).c_str()); }

  // Opens the menu of a map by its arrow and chooses an entry by keyboard, through a submenu if one is named.
  void chooseInMenu(int pane, const QString& entry, const char* submenu = nullptr) {
    bool chosen = false;
    QTimer::singleShot(0, [&] {
      auto* menu = qobject_cast<QMenu*>(QApplication::activePopupWidget());
      if (menu == nullptr) return;
      QMenu* in = submenu == nullptr ? menu : menu->findChild<QMenu*>(QString::fromLatin1(submenu));
      for (QAction* action : in->actions()) {
        if (action->text() != entry) continue;
        if (in != menu) {
          menu->setActiveAction(in->menuAction());
          QTest::keyClick(menu, Qt::Key_Right);
        }
        in->setActiveAction(action);
        QTest::keyClick(in, Qt::Key_Return);
        chosen = true;
        break;
      }
      if (QWidget* popup = QApplication::activePopupWidget()) popup->close();
    });
    title(pane).showMenu();
    EXPECT_TRUE(chosen) << entry.toStdString();
  }

  std::unique_ptr<MapPage> m_page;
};

// Heads, layers or runs side by side.
TEST_F(LinkedViewsTest, SeveralMapsMoveTogether) {
  open();
  MapPage page(m_document, m_selection);
  show(page, {1000, 800});
  m_selection.setHead({HeadChoice::QueryHead, 1});
  choose(page, "mapViews", 2);
  ASSERT_TRUE(waitUntil([&] { return page.settled(); }));
  ASSERT_EQ(page.mosaic().count(), 4);
  EXPECT_FALSE(page.view().isVisible());
  for (int pane = 0; pane < 4; ++pane) {
    EXPECT_EQ(page.mosaic().selection(pane).head().index, static_cast<std::uint32_t>(pane));
    EXPECT_EQ(page.mosaic().view(pane).picture().a.head.index, static_cast<std::uint32_t>(pane));
  }
  QTest::keyClick(&page.mosaic().view(2), Qt::Key_Plus);
  QApplication::processEvents();
  for (int pane = 0; pane < 4; ++pane) {
    EXPECT_LT(page.mosaic().view(pane).window().keys(), 200) << pane;
    EXPECT_NEAR(page.mosaic().view(pane).window().key_begin, page.mosaic().view(2).window().key_begin, 2);
  }
  QTest::mouseClick(&page.mosaic().view(3), Qt::LeftButton, {}, page.mosaic().view(3).mapRect().rect().center());
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 3})) << "a click chooses the pane";
  choose(page, "mapSpread", 2);
  EXPECT_EQ(page.mosaic().selection(1).focusRun(), 1);
  choose(page, "mapViews", 0);
  EXPECT_TRUE(page.view().isVisible());
}

// Each map can show any run, whatever the others show.
TEST_F(LinkedViewsTest, EachMapHasItsOwnRun) {
  openPage(4, 0);
  m_selection.setFocusRun(0);
  chooseInMenu(1, runText(m_document, 3));
  chooseInMenu(2, runText(m_document, 5));
  ASSERT_TRUE(atRest());
  EXPECT_EQ(at(0).focusRun(), 0);
  EXPECT_EQ(at(1).focusRun(), 3);
  EXPECT_EQ(at(2).focusRun(), 5);
  EXPECT_EQ(mosaic().view(0).picture().a.kept, nullptr) << "the full cache keeps everything";
  ASSERT_NE(mosaic().view(1).picture().a.kept, nullptr);
  ASSERT_NE(mosaic().view(2).picture().a.kept, nullptr);
  EXPECT_NE(mosaic().view(1).map().detailText(), "");
  EXPECT_THAT(title(1).accessibleName().toStdString(), HasSubstr(runText(m_document, 3).toStdString()));
  // What it did not choose follows the window; its own choice stays.
  m_selection.setLayer(LayerIndex(2));
  m_selection.setFocusRun(7);
  EXPECT_EQ(at(0).focusRun(), 7);
  EXPECT_EQ(at(1).focusRun(), 3);
  EXPECT_EQ(at(1).layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.focusRun(), 7) << "choosing for one map moves no focus";
  // It moves with the others.
  QTest::keyClick(&mosaic().view(1), Qt::Key_Plus);
  QApplication::processEvents();
  EXPECT_NEAR(mosaic().view(0).window().keys(), mosaic().view(1).window().keys(), 2);
  chooseInMenu(1, QStringLiteral("&Follow the window again"));
  EXPECT_EQ(at(1).focusRun(), 7);
  EXPECT_EQ(at(2).focusRun(), 5);
}

TEST_F(LinkedViewsTest, EachMapHasItsOwnLayerAndHeads) {
  openPage(2, 0);
  chooseInMenu(1, QStringLiteral("layer 3"), "paneLayers");
  chooseInMenu(1, QString::fromStdString(textOf(HeadChoice{HeadChoice::MaxOverHeads, 0})), "paneHeads");
  ASSERT_TRUE(atRest());
  EXPECT_EQ(at(1).layer(), LayerIndex(3));
  EXPECT_EQ(at(1).head().kind, HeadChoice::MaxOverHeads);
  EXPECT_EQ(mosaic().view(1).picture().a.layer, LayerIndex(3));
  EXPECT_EQ(at(0).layer(), LayerIndex(0));
  // Arrow keys move the own choice of the map under the keyboard, and the window's in a map that follows.
  QTest::keyClick(&mosaic().view(1), Qt::Key_Up);
  EXPECT_EQ(at(1).layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.layer(), LayerIndex(0));
  QTest::keyClick(&mosaic().view(0), Qt::Key_Down);
  EXPECT_EQ(m_selection.layer(), LayerIndex(1));
  EXPECT_EQ(at(0).layer(), LayerIndex(1));
  EXPECT_EQ(at(1).layer(), LayerIndex(2));
  // Its title brings what it shows to the panels around.
  click(&title(1));
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.head().kind, HeadChoice::MaxOverHeads);
  EXPECT_TRUE(title(1).isChecked());
  EXPECT_FALSE(title(0).isChecked());
}

// A click on a map chooses it, and it stays where it is.
TEST_F(LinkedViewsTest, AClickMovesNoMapAway) {
  m_sample = test::makeSampleTrace({.layers = 12});
  openSample();
  m_page = std::make_unique<MapPage>(m_document, m_selection);
  show(*m_page, {1000, 800});
  m_selection.setLayer(LayerIndex(4));
  m_page->setViews(4, static_cast<int>(MapMosaic::Spread::Layers));
  ASSERT_TRUE(atRest());
  const std::size_t first = at(0).layer().value;
  for (const int pane : {3, 0, 2}) {
    MapView& view = mosaic().view(pane);
    QTest::mouseClick(&view, Qt::LeftButton, {}, view.mapRect().rect().center());
    EXPECT_EQ(m_selection.layer().value, first + static_cast<std::size_t>(pane));
    EXPECT_EQ(at(0).layer().value, first);
  }
  // Beyond the shown ones they move on.
  m_selection.setLayer(LayerIndex(11));
  EXPECT_EQ(at(3).layer(), LayerIndex(11));
}

// The tokens in view stay when maps are added or removed, and the text panel follows them.
TEST_F(LinkedViewsTest, MoreMapsShowTheSameTokens) {
  open();
  m_page = std::make_unique<MapPage>(m_document, m_selection);
  show(*m_page, {1000, 800});
  ASSERT_TRUE(atRest());
  m_page->showWindow({60, 100, 180, 220});
  ASSERT_TRUE(atRest());
  const auto middle = [](const MapView& view) { return (view.window().key_begin + view.window().key_end) / 2; };
  const double before = middle(m_page->view());
  for (const int count : {4, 9, 1}) {
    m_page->setViews(count, 0);
    ASSERT_TRUE(atRest());
    EXPECT_TRUE(waitUntil([&] { return std::abs(middle(m_page->frontView()) - before) < 2; })) << count;
    EXPECT_LT(m_page->frontView().window().keys(), 120) << count;
  }
  m_page->setViews(4, 0);
  ASSERT_TRUE(atRest());
  QTest::keyClick(&mosaic().view(2), Qt::Key_Home);
  ASSERT_TRUE(m_selection.keyRange());
  EXPECT_EQ(m_selection.keyRange()->begin, 0U);
  EXPECT_EQ(m_selection.keyRange()->end, 256U);
  for (int pane = 0; pane < 4; ++pane) EXPECT_GE(mosaic().view(pane).window().keys(), 250);
}

// A removed what-if run and another trace leave no map behind.
TEST_F(LinkedViewsTest, AnotherTraceStartsWithoutOwnChoices) {
  openPage(4, 2);
  chooseInMenu(0, runText(m_document, 6));
  EXPECT_EQ(at(0).focusRun(), 6);
  test::writeSampleTrace(m_folder / "b.kva.h5", test::SampleTraceOptions{.budgets = {16}});
  m_document.open(m_folder / "b.kva.h5");
  ASSERT_TRUE(waitUntil([this] { return m_document.path().filename() == "b.kva.h5" && m_document.isOpen(); }));
  ASSERT_TRUE(atRest());
  for (const MapPane::Own& own : mosaic().own()) EXPECT_FALSE(own.any());
  EXPECT_EQ(at(0).focusRun(), m_document.runIds().front());
  EXPECT_EQ(at(1).focusRun(), m_document.runIds().at(1));
}

}  // namespace
}  // namespace kvatlas::views
