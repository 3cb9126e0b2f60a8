// Defects found by users of the window, each driven through the real widgets.
#include <gmock/gmock.h>

#include <QAbstractButton>
#include <QComboBox>
#include <QDialog>
#include <QDockWidget>
#include <QLineEdit>
#include <QMenuBar>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScreen>
#include <QSpinBox>
#include <QStatusBar>
#include <QTabBar>
#include <QTimer>
#include <fstream>
#include <set>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/capture/capture_form.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/export_dialog.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/window_pages.h"
#include "core/base/files.h"
#include "tests/views/pages/qt_widgets.h"
#include "views/models/document/notes.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/grid_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/runs_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class WindowFindingsTest : public test::QtWidgetTest {
 protected:
  WindowFindingsTest() : m_settings(file("settings.ini")), m_trace(sample("a.kva.h5", {.budgets = {32, 64}})) {
    m_window = make(m_settings);
  }
  static std::unique_ptr<MainWindow> make(ExplorerSettings& settings, const QSize& size = {1440, 900}) {
    auto window = std::make_unique<MainWindow>(settings);
    window->resize(size);
    window->show();
    return window;
  }
  static void open(MainWindow& window, const fs::path& path) {
    window.openFile(QString::fromStdString(path.string()));
    ASSERT_TRUE(waitUntil([&] { return window.document().isOpen(); })) << window.message().toStdString();
    ASSERT_TRUE(settle(window));
  }
  void open() { open(*m_window, m_trace); }
  int mapHeight() { return m_window->pages().map().view().mapRect().rect().height(); }

  ExplorerSettings m_settings;
  fs::path m_trace;
  std::unique_ptr<MainWindow> m_window;
};

// The map is the window.
TEST_F(WindowFindingsTest, TheMapHasTheWindow) {
  open();
  EXPECT_GE(mapHeight(), 520);
  m_window->resize(1920, 1080);
  ASSERT_TRUE(settle(*m_window));
  EXPECT_GE(mapHeight(), 720);
  // Folding a side gives the map its room, the handle brings the same pages back.
  const int width = m_window->pages().map().width();
  auto* handle = child<QAbstractButton>(*m_window, "handleRight");
  click(handle);
  ASSERT_TRUE(settle(*m_window));
  EXPECT_GT(m_window->pages().map().width(), width + 200);
  EXPECT_TRUE(m_window->pages().folded(Qt::RightDockWidgetArea));
  click(handle);
  EXPECT_FALSE(m_window->pages().folded(Qt::RightDockWidgetArea));
  // One key hides everything but the map, and brings it back.
  QTest::keyClick(m_window.get(), Qt::Key_F9);
  ASSERT_TRUE(settle(*m_window));
  EXPECT_FALSE(m_window->menuBar()->isVisible());
  EXPECT_FALSE(m_window->statusBar()->isVisible());
  for (const QDockWidget* dock : m_window->pages().docks())
    EXPECT_TRUE(dock->isHidden()) << dock->objectName().toStdString();
  EXPECT_GT(mapHeight(), 940);
  QTest::keyClick(m_window.get(), Qt::Key_F9);
  EXPECT_TRUE(m_window->menuBar()->isVisible());
  EXPECT_FALSE(m_window->pages().dock("runs").isHidden());
  EXPECT_TRUE(m_window->pages().dock("decode").isHidden()) << "it was folded before";
}

// Names of panels are whole words, charts have room, and on a large screen the bar over the map hides nothing.
TEST_F(WindowFindingsTest, NothingIsCutOff) {
  open();
  for (const QSize& size : {QSize(1440, 900), QSize(1920, 1080), QSize(3840, 2160)}) {
    m_window->resize(size);
    m_window->resetLayout();
    ASSERT_TRUE(settle(*m_window));
    int tabs = 0;
    for (const auto* bar : m_window->findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly))
      for (int i = 0; bar->isVisible() && i < bar->count(); ++i, ++tabs)
        EXPECT_GE(bar->tabRect(i).width(), bar->fontMetrics().horizontalAdvance(bar->tabText(i)) + 8)
            << bar->tabText(i).toStdString() << " at " << size.width();
    EXPECT_GE(tabs, 12) << "details and charts";
    const auto* more = m_window->pages().map().findChild<QWidget*>(QStringLiteral("qt_toolbar_ext_button"));
    EXPECT_TRUE(size.width() < 1920 || more == nullptr || !more->isVisible()) << size.width();
    EXPECT_GE(m_window->pages().dock("retained").height(), size.height() / 4) << size.height();
    EXPECT_GE(m_window->pages().dock("grid").height(), size.height() * 0.45) << size.height();
    EXPECT_GE(mapHeight(), size.height() > 1000 ? 720 : 520);
  }
}

// A narrow or a square window has text and charts below the map, folded.
TEST_F(WindowFindingsTest, TheLayoutFollowsTheShapeOfTheWindow) {
  open();
  EXPECT_EQ(m_window->dockWidgetArea(&m_window->pages().dock("text")), Qt::RightDockWidgetArea);
  m_window->resize(900, 1100);
  ASSERT_TRUE(settle(*m_window));
  EXPECT_EQ(m_window->dockWidgetArea(&m_window->pages().dock("text")), Qt::BottomDockWidgetArea);
  EXPECT_TRUE(m_window->pages().folded(Qt::BottomDockWidgetArea));
  m_window->actions().find->trigger();  // a page that is needed unfolds
  EXPECT_FALSE(m_window->pages().dock("text").isHidden());
}

// The first picture: the full cache, and the head whose last queries attend most to the first named span.
TEST_F(WindowFindingsTest, TheFirstPictureTellsTheStory) {
  open();
  const auto& selection = m_window->selection();
  EXPECT_TRUE(m_window->document().runHeader(selection.focusRun()).is_full);
  ASSERT_EQ(selection.head().kind, views::HeadChoice::QueryHead);
  const trace::Span span = m_window->document().prompt().spans.front();
  double best = -1, chosen = -1;
  const auto answer =
      m_window->document().thread().runHere(m_window->document().source(), [&](const trace::Reader& reader) {
        for (std::size_t layer = 0; layer < 4; ++layer)
          for (std::size_t head = 0; head < 4; ++head) {
            const auto sums = *reader.signalOfHead(LayerIndex(layer), trace::Signal::WindowSum, HeadIndex(head));
            double mass = 0;
            for (TokenIndex key = span.begin; key < span.end; ++key) mass += static_cast<double>(sums[key]);
            best = std::max(best, mass);
            if (layer == selection.layer().value && head == selection.head().index) chosen = mass;
          }
        return true;
      });
  ASSERT_TRUE(answer);
  EXPECT_EQ(chosen, best);
  EXPECT_NE(m_window->pages().map().colours(), views::ColourSettings{}) << "limits fitted to what is visible";
}

// A capture never replaces a trace; the dialog proposes a free name.
TEST_F(WindowFindingsTest, TheCaptureDialogProposesAFreeName) {
  m_folder.write("capture.kva.h5", "a trace");
  m_folder.write("capture-2.kva.h5.part", "another capture");
  EXPECT_EQ(freeTraceName(file("capture.kva.h5")), file("capture-3.kva.h5"));
  EXPECT_EQ(freeTraceName(file("new.kva.h5")), file("new.kva.h5"));
  CaptureJob job;
  const auto programme =
      m_folder.write("programme", "#!/bin/sh\necho \"$@\" > " + file("arguments").toStdString() + "\n");
  fs::permissions(programme, fs::perms::owner_all);
  CaptureDialog dialog(job, m_settings, QString::fromStdString(programme.string()));
  dialog.show();
  CaptureRequest request = dialog.form().request();
  request.output = file("capture.kva.h5");
  dialog.form().setRequest(request);
  QString asked;
  const auto answer = [&](const char* what) {
    QTimer::singleShot(0, [&asked, what] {
      auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
      if (box == nullptr) return;
      asked = box->text();
      for (QAbstractButton* button : box->buttons())
        if (button->text().contains(QLatin1String(what))) return button->click();
    });
  };
  answer("Cancel");
  click(child<QPushButton>(dialog, "captureStart"));
  EXPECT_THAT(asked.toStdString(), HasSubstr("capture.kva.h5 exists"));
  EXPECT_FALSE(job.running());
  answer("capture-3");
  click(child<QPushButton>(dialog, "captureStart"));
  ASSERT_TRUE(waitUntil([&] { return fs::exists(m_folder / "arguments") && !job.running(); }));
  EXPECT_THAT(readFile(m_folder / "arguments"), HasSubstr("capture-3.kva.h5"));
  EXPECT_EQ(readFile(m_folder / "capture.kva.h5"), "a trace");
}

// Bookmarks of two windows on one trace are merged.
TEST_F(WindowFindingsTest, TwoWindowsKeepEachOthersBookmarks) {
  m_settings.setNotesInTrace(false);
  open();
  ExplorerSettings other_settings(file("other.ini"));
  other_settings.setNotesInTrace(false);
  const std::unique_ptr<MainWindow> other = make(other_settings);
  open(*other, m_trace);
  const auto add = [](MainWindow& window, const char* name) {
    views::BookmarkModel& model = window.pages().bookmarks().model();
    views::Bookmark bookmark;
    bookmark.name = name;
    model.add(bookmark);
  };
  add(*m_window, "mine");
  add(*other, "theirs");
  add(*m_window, "mine again");
  other->close();
  m_window->close();
  std::set<std::string> names;
  for (const auto& bookmark : views::parseNotes(readFile(views::notesFile(m_trace))).notes.bookmarks)
    names.insert(bookmark.name);
  EXPECT_EQ(names, (std::set<std::string>{"mine", "theirs", "mine again"}));
}

// Everything fits a small screen.
TEST_F(WindowFindingsTest, TheWindowFitsSmallScreens) {
  open();
  EXPECT_LE(m_window->minimumSizeHint().width(), 1280);
  EXPECT_LE(m_window->minimumSizeHint().height(), 700);
  m_window->resize(1280, 720);
  ASSERT_TRUE(settle(*m_window));
  EXPECT_EQ(m_window->size(), QSize(1280, 720));
  EXPECT_GE(mapHeight(), 320);
  CaptureJob job;
  CaptureDialog dialog(job, m_settings, QStringLiteral("kvatlas"));
  EXPECT_LE(dialog.minimumSizeHint().height(), 600);
  const ExplorerSettings fresh(file("fresh.ini"));
  ExplorerSettings first_settings(file("fresh.ini"));
  const MainWindow first(first_settings);
  const QSize screen = first.screen()->availableSize();
  EXPECT_LT(first.width(), screen.width());
  EXPECT_LT(first.height(), screen.height() - 20) << "room for the frame";
}

// "Capture this" uses the trace's prompt, spans and a new name beside it; an unknown model is asked for.
TEST_F(WindowFindingsTest, CaptureThisUsesTheTrace) {
  open();
  m_settings.setModelPath(QString::fromStdString(m_window->document().model().weights_fingerprint), file("model"));
  m_folder.write("model", "a model");
  emit m_window->pages().whatIf().captureRequested(QStringLiteral("snapkv"), QStringLiteral("48"), 8);
  auto* dialog = m_window->findChild<CaptureDialog*>();
  ASSERT_NE(dialog, nullptr);
  const CaptureRequest request = dialog->form().request();
  EXPECT_EQ(request.model, file("model"));
  EXPECT_EQ(request.output, file("a-snapkv-48.kva.h5"));
  const auto& prompt = m_window->document().prompt();
  ASSERT_EQ(static_cast<std::size_t>(request.spans.size()), prompt.spans.size());
  EXPECT_TRUE(request.spans.front().startsWith(QString::fromStdString(prompt.spans.front().name) + QLatin1Char('=')));
  EXPECT_GT(request.spans.front().size(), static_cast<qsizetype>(prompt.spans.front().name.size()) + 3);
}

// The grid's metric, the pages in front and the what-if run return with the layout.
TEST_F(WindowFindingsTest, TheNextStartLooksTheSame) {
  open();
  auto* metric = m_window->pages().grid().findChild<QComboBox*>(QStringLiteral("gridMetric"));
  metric->setCurrentIndex(metric->findText(QStringLiteral("sink mass")));
  m_window->pages().dock("inspector").raise();
  m_window->pages().dock("kl").raise();
  m_window->pages().whatIf().slider().setValue(120);
  ASSERT_TRUE(settle(*m_window));
  const QStringList raised = m_window->pages().raisedPages();
  const int width = m_window->pages().dock("runs").width();
  const std::string budget = m_window->pages().whatIf().request().budget;
  m_window->close();
  m_window = make(m_settings);
  open();
  EXPECT_EQ(m_window->pages().grid().findChild<QComboBox*>(QStringLiteral("gridMetric"))->currentText(), "sink mass");
  EXPECT_EQ(m_window->pages().raisedPages(), raised);
  EXPECT_TRUE(raised.contains(QStringLiteral("dock-inspector")));
  EXPECT_EQ(m_window->pages().dock("runs").width(), width) << "no drift";
  EXPECT_EQ(m_window->pages().whatIf().request().budget, budget);
  EXPECT_TRUE(m_window->document().hasRun(m_window->pages().whatIf().model().run()));
}

// Messages about a trace go with it.
TEST_F(WindowFindingsTest, MessagesDoNotOutliveTheirTrace) {
  test::writeSampleTrace(m_folder / "growing.kva.h5", test::SampleTraceOptions{.finish = false});
  open(*m_window, m_folder / "growing.kva.h5.part");
  ASSERT_NE(m_window->message(), "");
  m_window->actions().close->trigger();
  ASSERT_TRUE(waitUntil([this] { return !m_window->document().isOpen(); }));
  EXPECT_EQ(m_window->message(), "");
  open();
  auto& other = m_window->pages().map().other();
  other.open(sample("short.kva.h5", {.tokens = 200}));
  ASSERT_TRUE(waitUntil([this] { return !m_window->message().isEmpty(); }));
  fs::copy_file(m_trace, m_folder / "b.kva.h5");
  other.open(m_folder / "b.kva.h5");
  ASSERT_TRUE(waitUntil([&] { return other.isOpen(); }));
  EXPECT_EQ(m_window->message(), "");
}

// The keyboard is on the map after opening.
TEST_F(WindowFindingsTest, TheKeyboardIsOnTheMap) {
  m_window->activateWindow();
  open();
  EXPECT_EQ(m_window->focusWidget(), m_window->pages().mapWidget());
}

// An export gets its extension and its settings beside it, without the crosshair.
TEST_F(WindowFindingsTest, ExportsAddTheirExtensionAndSettings) {
  EXPECT_EQ(withExtension(QStringLiteral("/x/map"), QStringLiteral("SVG (*.svg)")), "/x/map.svg");
  EXPECT_EQ(withExtension(QStringLiteral("/x/map.v2"), QStringLiteral("PDF (*.pdf)")), "/x/map.v2.pdf");
  EXPECT_EQ(withExtension(QStringLiteral("/x/map.png"), QStringLiteral("PDF (*.pdf)")), "/x/map.png");
  open();
  QWidget& shown = *m_window->pages().map().shownView();
  const QImage without = drawWidget(shown, {6, 100});
  m_window->selection().setCursor(views::Cell{200, 60});
  ASSERT_TRUE(settle(*m_window));
  EXPECT_EQ(drawWidget(shown, {6, 100}), without) << "no crosshair on paper";
  m_window->actions().export_view->trigger();
  auto* dialog = m_window->findChild<ExportDialog*>();
  ASSERT_NE(dialog, nullptr);
  EXPECT_EQ(dialog->writeTo(file("map.png")), "");
  const auto state = nlohmann::json::parse(readFile(m_folder / "map.png.json"));
  EXPECT_EQ(state.at("cursor"), (nlohmann::json{200, 60}));
}

// A task at 100 % is done; the recorded layers show that the capture goes on.
TEST_F(WindowFindingsTest, ProgressIsNotStale) {
  EXPECT_EQ(progressText(QStringLiteral("loading"), 100, 0), "loading done");
  EXPECT_EQ(progressText(QStringLiteral("prefill"), 50, 12), "prefill 50 %, about 12 s left");
}

// The first page shows where the keyboard is, and Return answers.
TEST_F(WindowFindingsTest, TheStartPageAnswersToTheKeyboard) {
  m_window->activateWindow();
  auto* example = child<QAbstractButton>(*m_window, "startExample");
  const QImage before = example->grab().toImage();
  ASSERT_TRUE(waitUntil([this] { return m_window->isActiveWindow(); }));
  example->setFocus(Qt::TabFocusReason);
  ASSERT_TRUE(waitUntil([&] { return example->hasFocus(); }));
  EXPECT_NE(example->grab().toImage(), before);
  QTest::keyClick(example, Qt::Key_Return);
  EXPECT_TRUE(waitUntil([this] { return m_window->document().isOpen(); }));
}

// Spans are named in the window and kept in the notes.
TEST_F(WindowFindingsTest, ASelectionBecomesANamedSpan) {
  m_settings.setNotesInTrace(false);
  open();
  const std::size_t before = m_window->document().prompt().spans.size();
  QTimer::singleShot(0, [] {
    if (QWidget* dialog = QApplication::activeModalWidget()) {
      dialog->findChild<QLineEdit*>()->setText(QStringLiteral("clue"));
      QTest::keyClick(dialog->findChild<QLineEdit*>(), Qt::Key_Return);
    }
  });
  emit m_window->pages().tokens().spanWanted(30, 36);
  ASSERT_EQ(m_window->document().prompt().spans.size(), before + 1);
  EXPECT_EQ(m_window->document().prompt().spans.back().name, "clue");
  m_window->close();
  m_window = make(m_settings);
  open();
  ASSERT_EQ(m_window->document().prompt().spans.size(), before + 1);
  EXPECT_EQ(m_window->document().prompt().spans.back().begin, 30U);
  EXPECT_NE(m_window->pages()
                .grid()
                .findChild<QComboBox*>(QStringLiteral("gridMetric"))
                ->findText(QStringLiteral("attention on clue")),
            -1);
}

}  // namespace
}  // namespace kvatlas::app
