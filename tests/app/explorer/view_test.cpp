// Saving and restoring views: --view, bookmarks and the last view of a trace; exports and copies; comparisons and
// what-if captures from the menus.
#include <gmock/gmock.h>

#include <QClipboard>
#include <QDoubleSpinBox>
#include <QImageReader>
#include <QPushButton>
#include <QSpinBox>
#include <QSvgRenderer>
#include <QUndoStack>
#include <cmath>
#include <fstream>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/capture/capture_form.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/export_dialog.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/map_view_state.h"
#include "app/explorer/window/view_keeper.h"
#include "app/explorer/window/window_pages.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/figures/figure_kinds.h"
#include "tests/views/pages/qt_widgets.h"
#include "views/models/document/notes.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/map/map_mosaic.h"
#include "views/pages/map/map_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ViewTest : public test::QtWidgetTest {
 protected:
  ViewTest() : m_settings(file("settings.ini")), m_trace(sample("a.kva.h5", {.budgets = {32, 64}})) { makeWindow(); }

  void makeWindow() {
    m_window.reset();
    m_window = std::make_unique<MainWindow>(m_settings);
    m_window->resize(1440, 900);
    m_window->show();
  }
  void open(const fs::path& path) {
    m_window->openFile(QString::fromStdString(path.string()));
    ASSERT_TRUE(waitUntil([this] { return m_window->document().isOpen(); })) << m_window->message().toStdString();
    ASSERT_TRUE(settle(*m_window));
  }
  views::MapPage& map() { return m_window->pages().map(); }
  // Equal, and the same map window up to rounding.
  static bool same(const std::string& a, const std::string& b) {
    nlohmann::json one = nlohmann::json::parse(a), two = nlohmann::json::parse(b);
    const auto window = [](nlohmann::json& state) {
      const auto numbers = state["view"].value("window", std::vector<double>(4, 0));
      state["view"].erase("window");
      return numbers;
    };
    const std::vector<double> place = window(one), other = window(two);
    for (std::size_t i = 0; i < 4; ++i)
      if (std::abs(place[i] - other[i]) > 1e-3) return false;
    return one == two;
  }
  std::string state() { return views::toJson(m_window->viewKeeper().present()).dump(); }
  // Changes everything from the default view: selection, zoom, comparison, colours.
  void wander() {
    views::Selection& selection = m_window->selection();
    selection.setLayer(LayerIndex(2));
    selection.setHead({views::HeadChoice::MaxOverGroup, 1});
    selection.setFocusRun(3);
    selection.setCompareRun(5);
    selection.setCursor(views::Cell{180, 40});
    selection.setStep(4);
    selection.setHidden(1, true);
    map().setMode(views::PaneMode::Split);
    views::ColourSettings colours = map().colours();
    colours.table = "magma";
    colours.low = 1e-4;
    map().setColours(colours);
    QTest::keyClick(&map().view(), Qt::Key_Plus);
    QTest::keyClick(&map().view(), Qt::Key_Plus);
    ASSERT_TRUE(settle(*m_window));
  }

  ExplorerSettings m_settings;
  fs::path m_trace;
  std::unique_ptr<MainWindow> m_window;
};

TEST_F(ViewTest, NoPanelMakesTheWindowWiderThanALaptop) {
  open(m_trace);
  ASSERT_TRUE(settle(*m_window));
  EXPECT_LE(m_window->minimumSizeHint().width(), 1366);
}

TEST_F(ViewTest, ACopiedViewRestoresTheSameViewInAnotherWindow) {
  open(m_trace);
  const std::string first = state();
  wander();
  m_window->actions().copy_view->trigger();
  const std::string copied = QApplication::clipboard()->text().toStdString();
  EXPECT_EQ(copied, state());
  EXPECT_NE(copied, first);
  fs::copy_file(m_trace, m_folder / "b.kva.h5");
  makeWindow();
  m_window->viewKeeper().setInitialView(readViewState(copied));
  open(m_folder / "b.kva.h5");
  EXPECT_TRUE(waitUntil([&] { return same(state(), copied); })) << state() << "\n" << copied;
  EXPECT_EQ(map().mode(), views::PaneMode::Split);
  EXPECT_EQ(m_window->message(), "");
}

// Linked maps, with what each has chosen for itself, are part of a view.
TEST_F(ViewTest, LinkedMapsReturnWithTheView) {
  open(m_trace);
  map().setViews(4, static_cast<int>(views::MapMosaic::Spread::Runs));
  map().mosaic().setOwn(
      {{}, {.layer = LayerIndex(3), .run = 5}, {.head = views::HeadChoice{views::HeadChoice::QueryHead, 2}}});
  ASSERT_TRUE(settle(*m_window));
  const std::string saved = state();
  EXPECT_THAT(saved, HasSubstr(R"("spread":"runs")"));
  const auto expectMaps = [this] {
    ASSERT_EQ(map().views(), 4);
    const views::MapMosaic& maps = map().mosaic();
    EXPECT_EQ(maps.spread(), views::MapMosaic::Spread::Runs);
    EXPECT_FALSE(maps.own().at(0).any());
    EXPECT_EQ(maps.selection(1).layer(), LayerIndex(3));
    EXPECT_EQ(maps.selection(1).focusRun(), 5);
    EXPECT_EQ(maps.selection(2).head(), (views::HeadChoice{views::HeadChoice::QueryHead, 2}));
  };
  m_window->viewKeeper().show(readViewState(R"({"layer": 1})"));
  EXPECT_EQ(map().views(), 1) << "a view without linked maps";
  m_window->viewKeeper().show(readViewState(saved));
  ASSERT_TRUE(settle(*m_window));
  expectMaps();
  m_window->close();
  makeWindow();
  open(m_trace);
  ASSERT_TRUE(waitUntil([this] { return map().views() == 4; }));
  expectMaps();
  for (const char* wrong : {R"({"view": {"views": 4}})", R"({"view": {"views": {"count": 5}}})",
                            R"({"view": {"views": {"count": 4, "spread": "all"}}})",
                            R"({"view": {"views": {"count": 4, "own": [{"layer": "x"}]}}})"}) {
    m_window->viewKeeper().show(readViewState(wrong));
    EXPECT_NE(m_window->message(), "") << wrong;
    expectMaps();
  }
}

TEST_F(ViewTest, AStateMayBeAFileAndErrorsNameTheCulprit) {
  EXPECT_EQ(readViewState(m_folder.write("view.json", R"({"layer": 3})").string()).layer, LayerIndex(3));
  const auto complaint = [](const std::string& text) -> std::string {
    try {
      (void)readViewState(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(complaint("{"), HasSubstr("JSON"));
  EXPECT_THAT(complaint((m_folder / "none.json").string()), HasSubstr("none.json"));
  EXPECT_THAT(complaint(R"({"layer": "three"})"), HasSubstr("layer"));
}

TEST_F(ViewTest, AnInvalidStateShowsAnErrorAndChangesNothing) {
  open(m_trace);
  const std::string before = state();
  for (const char* wrong :
       {R"({"view": {"mode": "sideways"}})", R"({"view": {"window": [5, 1, 0, 9]}})",
        R"({"layer": 2, "view": {"colours": {"map": "mauve"}}})", R"({"view": {"colours": {"high": -1}}})",
        R"({"view": {"window": "all"}})", R"({"view": {"colours": {"skip_keys": -1}}})",
        R"({"view": {"colours": {"skip_keys": 1e300}}})",
        R"({"view": {"colours": {"skip_keys": 18446744073709551615}}})"}) {
    m_window->viewKeeper().show(readViewState(wrong));
    EXPECT_NE(m_window->message(), "") << wrong;
    EXPECT_EQ(state(), before) << wrong;
  }
  m_window->viewKeeper().show(readViewState(R"({"layer": 900, "cursor": [5000, 5000], "step": 99, "focus": 77})"));
  EXPECT_EQ(m_window->selection().layer(), LayerIndex(3)) << "clamped to the range of the trace";
  EXPECT_EQ(m_window->selection().cursor()->key, 255U);
}

TEST_F(ViewTest, ATraceReopensInItsLastView) {
  open(m_trace);
  wander();
  const std::string left = state();
  m_window->close();
  makeWindow();
  open(m_trace);
  EXPECT_TRUE(waitUntil([&] { return same(state(), left); })) << state() << "\n" << left;
}

TEST_F(ViewTest, ViewingAloneWritesNothing) {
  const std::string before = readFile(m_trace);
  open(m_trace);
  m_window->close();
  EXPECT_FALSE(fs::exists(views::notesFile(m_trace)));
  EXPECT_EQ(readFile(m_trace), before);
}

TEST_F(ViewTest, BenchmarksSaveNothing) {
  const std::string before = readFile(m_trace);
  open(m_trace);
  m_window->viewKeeper().setRemembering(false);
  wander();
  m_window->close();
  EXPECT_FALSE(fs::exists(views::notesFile(m_trace)));
  EXPECT_EQ(readFile(m_trace), before);
}

TEST_F(ViewTest, ATraceInAReadOnlyPlaceClosesWithoutAMessage) {
  open(m_trace);
  wander();
  fs::create_directory(views::notesFile(m_trace));  // blocks writing the notes file
  m_window->actions().close->trigger();
  ASSERT_TRUE(waitUntil([this] { return !m_window->document().isOpen(); }));
  EXPECT_EQ(m_window->message(), "");
}

TEST_F(ViewTest, BookmarksFromTheMenuRestoreTheViewAndCanBeUndone) {
  open(m_trace);
  wander();
  const std::string marked = state();
  QTest::keyClick(m_window.get(), Qt::Key_D, Qt::ControlModifier);
  views::BookmarksPage& page = m_window->pages().bookmarks();
  ASSERT_EQ(page.model().rowCount(), 1);
  EXPECT_FALSE(fs::exists(views::notesFile(m_trace))) << "stored in the trace";
  m_window->actions().keep_in_trace->trigger();
  EXPECT_FALSE(m_settings.notesInTrace());
  QTest::keyClick(m_window.get(), Qt::Key_D, Qt::ControlModifier);
  EXPECT_TRUE(fs::exists(views::notesFile(m_trace)));
  QTest::keyClick(m_window.get(), Qt::Key_Z, Qt::ControlModifier);
  ASSERT_EQ(page.model().rowCount(), 1);
  m_window->selection().setLayer(LayerIndex(0));
  m_window->actions().fit->trigger();
  EXPECT_NE(state(), marked);
  emit page.stateRequested(page.model().bookmark(0).state);
  EXPECT_TRUE(waitUntil([&] { return same(state(), marked); })) << state() << "\n" << marked;
  QTest::keyClick(m_window.get(), Qt::Key_Z, Qt::ControlModifier);
  EXPECT_EQ(page.model().rowCount(), 0);
}

TEST_F(ViewTest, TheViewIsExportedAtThePrintedSize) {
  open(m_trace);
  ExportDialog dialog(*map().shownView());
  dialog.show();
  child<QDoubleSpinBox>(dialog, "exportWidth")->setValue(5);
  EXPECT_EQ(dialog.preview().width(), qRound(5.0 * dialog.logicalDpiX() * 2));
  ASSERT_EQ(dialog.writeTo(file("map.png")).toStdString(), "");
  const QImage png(file("map.png"));
  EXPECT_EQ(png.width(), 1500);
  EXPECT_NEAR(png.dotsPerMeterX() * 0.0254, 300, 1);
  ASSERT_EQ(dialog.writeTo(file("map.svg")).toStdString(), "");
  std::ifstream in(m_folder / "map.svg");
  const std::string svg{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(svg, HasSubstr("width=\"5in\""));
  ASSERT_EQ(dialog.writeTo(file("map.pdf")).toStdString(), "");
  EXPECT_GT(fs::file_size(m_folder / "map.pdf"), 10000U);
  EXPECT_THAT(dialog.writeTo(file("map.bmp")).toStdString(), HasSubstr("bmp"));
  EXPECT_THAT(dialog.writeTo(file("no/map.png")).toStdString(), HasSubstr("map.png"));
}

// Margins wider than the view leave the map less than no room.
TEST_F(ViewTest, AMapWithoutRoomIsDrawn) {
  open(m_trace);
  for (QCPAxisRect* rect : map().view().axisRects()) rect->setMinimumMargins(QMargins(5000, 5000, 2, 2));
  EXPECT_NO_THROW(map().view().replot());
  EXPECT_LT(map().view().mapRect().width(), 0);
  EXPECT_NO_THROW(drawWidget(*map().shownView(), {3, 100}));
}

// The exported picture and the map on screen have exactly the same colours: no smoothing.
TEST_F(ViewTest, AnExportedPictureHasTheColoursOfTheScreen) {
  open(m_trace);
  const QWidget& shown = *map().shownView();
  const PrintSize twice{static_cast<double>(shown.width()) / shown.logicalDpiX(), 2 * shown.logicalDpiX()};
  const QImage large = drawWidget(*map().shownView(), twice);
  const QImage screen = map().view().grab().toImage();
  const QRect area = map().view().mapRect().rect().adjusted(2, 2, -2, -2);
  int differ = 0;
  for (int y = area.top(); y < area.bottom(); y += 3)
    for (int x = area.left(); x < area.right(); x += 3)
      differ += (screen.pixel(x, y) & 0xFFFFFF) != (large.pixel(2 * x, 2 * y) & 0xFFFFFF) ? 1 : 0;
  // Allows for the badge and the crosshair: text and hairlines get finer in the export.
  EXPECT_LT(differ, area.width() * area.height() / 9 / 12);
}

TEST_F(ViewTest, ImageAndNumbersAreCopied) {
  open(m_trace);
  m_window->actions().copy_image->trigger();
  EXPECT_EQ(QApplication::clipboard()->image().width(), 2 * map().shownView()->width());
  m_window->actions().copy_data->trigger();
  EXPECT_THAT(QApplication::clipboard()->text().toStdString(), HasSubstr(","));
  // A click focuses the map, so its cells are copied.
  QTest::mouseClick(&map().view(), Qt::LeftButton, {}, map().view().rect().center());
  ASSERT_TRUE(settle(*m_window));
  m_window->actions().copy_data->trigger();
  EXPECT_THAT(QApplication::clipboard()->text().toStdString(), HasSubstr(": query \\ key\",0,"));
}

TEST_F(ViewTest, AHiddenCaptionStaysHiddenAfterARestart) {
  open(m_trace);
  ASSERT_TRUE(m_window->actions().caption->isChecked());
  const auto corner = [this] {
    settle(*m_window);
    const QRect area = map().view().mapRect().rect();
    return map().view().grab().toImage().copy(area.right() - 100, area.top() + 2, 98, 24);
  };
  const QImage with = corner();
  m_window->actions().caption->trigger();
  EXPECT_NE(corner(), with);
  const QImage without = corner();
  makeWindow();
  open(m_trace);
  EXPECT_FALSE(m_window->actions().caption->isChecked());
  EXPECT_EQ(corner(), without);
}

TEST_F(ViewTest, ComparisonsHaveShortcutsAndCanBeSwapped) {
  open(m_trace);
  m_window->selection().setFocusRun(3);
  m_window->selection().setCompareRun(5);
  QTest::keyClick(m_window.get(), Qt::Key_3, Qt::ControlModifier);
  EXPECT_EQ(map().mode(), views::PaneMode::Split);
  EXPECT_TRUE(m_window->actions().compare_modes[2]->isChecked());
  QTest::keyClick(m_window.get(), Qt::Key_B, Qt::ControlModifier);
  EXPECT_EQ(m_window->selection().focusRun(), 5);
  EXPECT_EQ(m_window->selection().compareRun(), 3);
  EXPECT_FALSE(m_window->actions().compare_modes.back()->isEnabled());
  fs::copy_file(m_trace, m_folder / "b.kva.h5");
  map().other().open(m_folder / "b.kva.h5");
  ASSERT_TRUE(waitUntil([this] { return map().other().isOpen(); }));
  EXPECT_TRUE(m_window->actions().compare_modes.back()->isEnabled());
  m_window->actions().close_other->trigger();
  EXPECT_FALSE(map().other().isOpen());
}

TEST_F(ViewTest, CaptureThisFillsTheForm) {
  open(m_trace);
  emit m_window->pages().whatIf().captureRequested(QStringLiteral("snapkv:kernel=5"), QStringLiteral("48"), 8);
  auto* dialog = m_window->findChild<CaptureDialog*>();
  ASSERT_NE(dialog, nullptr);
  const CaptureRequest request = dialog->form().request();
  EXPECT_EQ(request.methods, QStringList{QStringLiteral("snapkv:kernel=5")});
  EXPECT_EQ(request.budgets, QStringList{QStringLiteral("48")});
  EXPECT_EQ(request.window, 8);
  EXPECT_EQ(request.text.toStdString(), m_window->document().prompt().text);
}

TEST_F(ViewTest, ACaptureFromTheWindowOpensItsTrace) {
  if (!QFile::exists(QCoreApplication::applicationDirPath() + QStringLiteral("/../lib/libkvatlas_capture.so")))
    GTEST_SKIP() << "built without libtorch";
  m_window->actions().new_capture->trigger();
  auto* dialog = m_window->findChild<CaptureDialog*>();
  ASSERT_NE(dialog, nullptr);
  CaptureRequest request = CaptureRequest{}.with(QStringLiteral("It is a truth universally acknowledged, that a single "
                                                                "man in possession of a good fortune"),
                                                 QStringLiteral("h2o"), QStringLiteral("16"), 4);
  request.model = resourceFile(QStringLiteral("models/tiny-llama"));
  request.new_tokens = 2;
  request.output = file("new.kva.h5");
  dialog->form().setRequest(request);
  click(child<QPushButton>(*dialog, "captureStart"));
  ASSERT_TRUE(waitUntil([this] {
    return m_window->document().isOpen() && m_window->document().status() == views::TraceStatus::Complete;
  })) << m_window->message().toStdString();
  EXPECT_THAT(m_window->windowTitle().toStdString(), HasSubstr("new.kva.h5"));
  EXPECT_EQ(m_window->document().runIds().size(), 2U);
  EXPECT_TRUE(waitUntil([this] { return m_window->message().isEmpty(); })) << m_window->message().toStdString();
}

TEST_F(ViewTest, EveryFigureOfTheMenuOpensADialog) {
  open(m_trace);
  ASSERT_EQ(m_window->actions().figure_kinds.size(), figures::figureKinds().size());
  for (std::size_t row = 0; row < figures::figureKinds().size(); ++row) {
    QAction* action = m_window->actions().figure_kinds[row];
    EXPECT_EQ(action->data().toString().toStdString(), figures::figureKinds()[row].name);
    EXPECT_EQ(action->text().toStdString(), figures::figureKinds()[row].menu);
    EXPECT_TRUE(action->isEnabled());
    action->trigger();
  }
  EXPECT_EQ(m_window->findChildren<QDialog*>(QStringLiteral("figureDialog")).size(),
            static_cast<qsizetype>(m_window->actions().figure_kinds.size()));
  m_window->actions().close->trigger();
  ASSERT_TRUE(waitUntil([this] { return !m_window->document().isOpen(); }));
}

TEST_F(ViewTest, TheWelcomePageTogglesWhileATraceIsOpen) {
  open(m_trace);
  m_window->actions().tour->trigger();
  EXPECT_TRUE(child<QWidget>(*m_window, "startPage")->isVisible());
  m_window->actions().tour->trigger();
  EXPECT_FALSE(child<QWidget>(*m_window, "startPage")->isVisible());
  EXPECT_TRUE(map().isVisible());
}

}  // namespace
}  // namespace kvatlas::app
