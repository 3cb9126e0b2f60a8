// The window: valid and invalid files, recent files, layout, themes, drag and drop.
#include <gmock/gmock.h>
#include <hdf5.h>

#include <QAbstractButton>
#include <QDockWidget>
#include <QDropEvent>
#include <QMimeData>
#include <QStackedWidget>
#include <fstream>
#include <random>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/theme_switch.h"
#include "app/explorer/window/window_pages.h"
#include "core/base/error.h"
#include "core/trace/vetting.h"
#include "tests/core/trace/metadata_lies.h"
#include "tests/views/pages/qt_widgets.h"
#include "views/pages/charts/ranking_chart.h"
#include "views/pages/window_palette.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class WindowTest : public test::QtWidgetTest {
 protected:
  WindowTest() : m_settings(file("settings.ini")) { makeWindow(); }

  void makeWindow() {
    m_window.reset();
    m_window = std::make_unique<MainWindow>(m_settings);
    m_window->resize(1440, 900);
    m_window->show();
  }
  // Waits until the document has opened or failed.
  void open(const fs::path& path) {
    m_window->openFile(QString::fromStdString(path.string()));
    ASSERT_TRUE(waitUntil([this] { return m_window->document().state() != views::Document::State::Opening; }));
  }
  std::string message() { return m_window->message().toStdString(); }
  std::string title() { return m_window->windowTitle().toStdString(); }
  bool onStartPage() { return child<QWidget>(*m_window, "startPage")->isVisible(); }
  int shownDocks() {
    int shown = 0;
    for (const QDockWidget* dock : m_window->pages().docks()) shown += dock->isHidden() ? 0 : 1;
    return shown;
  }

  ExplorerSettings m_settings;
  std::unique_ptr<MainWindow> m_window;
};

TEST_F(WindowTest, StartsOnTheStartPageWithoutPanels) {
  EXPECT_TRUE(onStartPage());
  EXPECT_EQ(shownDocks(), 0);
  EXPECT_EQ(message(), "");
  EXPECT_FALSE(m_window->actions().close->isEnabled());
}

TEST_F(WindowTest, AClickOpensTheExample) {
  ASSERT_FALSE(resourceFile(QStringLiteral("examples/marlow.kva.h5")).isEmpty());
  click(child<QAbstractButton>(*m_window, "startExample"));
  ASSERT_TRUE(waitUntil([this] { return m_window->document().isOpen(); }));
  EXPECT_FALSE(onStartPage());
  EXPECT_EQ(m_window->document().tokens(), 377U);
  EXPECT_THAT(title(), HasSubstr("marlow.kva.h5"));
  EXPECT_EQ(message(), "");
  EXPECT_GT(shownDocks(), 0);
}

TEST_F(WindowTest, ClosingATraceLeadsBackToTheStartPage) {
  open(sample("a.kva.h5"));
  EXPECT_FALSE(onStartPage());
  m_window->actions().close->trigger();
  ASSERT_TRUE(waitUntil([this] { return !m_window->document().isOpen(); }));
  EXPECT_TRUE(onStartPage());
  EXPECT_EQ(shownDocks(), 0);
}

TEST_F(WindowTest, RecentFilesAreRemembered) {
  open(sample("a.kva.h5"));
  open(sample("b.kva.h5"));
  EXPECT_EQ(m_settings.recentFiles(), QStringList({file("b.kva.h5"), file("a.kva.h5")}));
  ExplorerSettings again(file("settings.ini"));
  EXPECT_EQ(again.recentFiles().size(), 2);
  // Opening a deleted file removes it from the list.
  fs::remove(m_folder / "a.kva.h5");
  open(m_folder / "a.kva.h5");
  EXPECT_EQ(m_settings.recentFiles(), QStringList({file("b.kva.h5")}));
  EXPECT_THAT(message(), HasSubstr("a.kva.h5"));
}

TEST_F(WindowTest, ADroppedFileOpens) {
  const fs::path path = sample("dropped.kva.h5");
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(QString::fromStdString(path.string()))});
  QDragEnterEvent enter(QPoint(40, 40), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(m_window.get(), &enter);
  EXPECT_TRUE(enter.isAccepted());
  QDropEvent drop(QPointF(40, 40), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(m_window.get(), &drop);
  ASSERT_TRUE(waitUntil([this] { return m_window->document().isOpen(); }));
  EXPECT_THAT(title(), HasSubstr("dropped.kva.h5"));
}

TEST_F(WindowTest, TheThemeIsChosenAndRemembered) {
  m_window->theme().choose(QStringLiteral("dark"));
  EXPECT_EQ(views::themeOf(m_window->palette()), views::Theme::Dark);
  m_window->theme().choose(QStringLiteral("light"));
  EXPECT_EQ(views::themeOf(m_window->palette()), views::Theme::Light);
  EXPECT_EQ(ExplorerSettings(file("settings.ini")).theme(), "light");
}

TEST_F(WindowTest, ClosedPanelsStayClosedAtTheNextStart) {
  open(sample("a.kva.h5"));
  ASSERT_FALSE(m_window->pages().docks().empty());
  const int all = shownDocks();
  m_window->pages().docks().front()->hide();
  m_window->close();
  makeWindow();
  EXPECT_EQ(shownDocks(), 0) << "no trace, no panels";
  open(m_folder / "a.kva.h5");
  EXPECT_EQ(shownDocks(), all - 1);
  m_window->resetLayout();
  EXPECT_EQ(shownDocks(), all);
}

// An HDF5 file that is not a trace.
void writeForeignHdf5(const fs::path& path) {
  const hid_t made = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(made, 0);
  H5Fclose(made);
}

// Every row of the table is a panel with its name, title and place; an unknown name is an error.
TEST_F(WindowTest, ThePanelsAreTheRowsOfTheTable) {
  open(sample("a.kva.h5"));
  m_window->pages().setFolded(Qt::BottomDockWidgetArea, false);  // Qt lists only visible docks as tabs
  const std::span<const PageRow> rows = pageTable();
  ASSERT_EQ(m_window->pages().docks().size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    QDockWidget& dock = m_window->pages().dock(rows[i].id);
    EXPECT_EQ(&dock, m_window->pages().docks()[i]) << rows[i].id;
    EXPECT_EQ(dock.windowTitle(), QString::fromUtf8(rows[i].title));
    EXPECT_EQ(m_window->dockWidgetArea(&dock), areaOf(rows[i].stack, WindowShape::Wide)) << rows[i].id;
    if (i == 0 || rows[i - 1].stack != rows[i].stack) continue;
    EXPECT_TRUE(m_window->tabifiedDockWidgets(&dock).contains(&m_window->pages().dock(rows[i - 1].id))) << rows[i].id;
  }
  EXPECT_THROW((void)m_window->pages().dock("no-such-page"), Error);
  EXPECT_THROW((void)areaOf(static_cast<PageStack>(99), WindowShape::Wide), Error);
}

// Hidden panels neither read nor draw.
TEST_F(WindowTest, PanelsBehindOthersUpdateWhenTheyAreRaised) {
  open(sample("a.kva.h5"));
  ASSERT_TRUE(settle(*m_window));
  QDockWidget& behind = m_window->pages().dock("ranking");
  auto& chart = dynamic_cast<views::RankingChart&>(*behind.widget());
  EXPECT_TRUE(chart.plot().lines().empty());
  behind.raise();
  ASSERT_TRUE(waitUntil([&] { return !chart.plot().lines().empty(); }));
}

TEST_F(WindowTest, BadFilesAreNamedAndChangeNothing) {
  open(sample("good.kva.h5"));
  m_folder.write("empty.kva.h5", "");
  m_folder.write("text.kva.h5", std::string(5000, 'x'));
  fs::copy_file(m_folder / "good.kva.h5", m_folder / "cut.kva.h5");
  fs::resize_file(m_folder / "cut.kva.h5", fs::file_size(m_folder / "good.kva.h5") / 3);
  writeForeignHdf5(m_folder / "foreign.kva.h5");
  fs::create_directory(m_folder / "folder.kva.h5");
  for (const char* name :
       {"empty.kva.h5", "text.kva.h5", "cut.kva.h5", "foreign.kva.h5", "folder.kva.h5", "none.kva.h5"}) {
    open(m_folder / name);
    EXPECT_TRUE(waitUntil([&] { return message().find(name) != std::string::npos; })) << message();
    EXPECT_TRUE(m_window->document().isOpen());
    EXPECT_THAT(title(), HasSubstr("good.kva.h5")) << name;
    EXPECT_FALSE(onStartPage());
  }
  open(m_folder / "good.kva.h5");
  EXPECT_EQ(message(), "");
}

TEST_F(WindowTest, DamagedBytesNeverCrashTheWindow) {
  const fs::path good = sample("good.kva.h5", {.tokens = 64, .layers = 2});
  std::ifstream in(good, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t at = 0; at < 4096 && at < bytes.size(); at += 193) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(~damaged[at]);
    open(m_folder.write("damaged.kva.h5", damaged));
    EXPECT_TRUE(m_window->isVisible());
  }
}

// A file that crashes the HDF5 library is a sentence in the window; the trace that is open stays open.
TEST_F(WindowTest, AHostileTraceIsRefusedInTheWindow) {
  trace::vetWith(KVATLAS_BINARY_DIR "/bin/kvatlas");
  const fs::path good = sample("good.kva.h5", {.tokens = 64, .layers = 2});
  open(good);
  std::ifstream in(good, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::vector<test::MetadataBlock> blocks = test::metadataBlocks(bytes);
  open(m_folder.write("harm.kva.h5", test::withEmptyIndexBlocks(bytes, blocks)));
  EXPECT_THAT(message(), HasSubstr("harm.kva.h5"));
  EXPECT_TRUE(m_window->document().isOpen());
  EXPECT_THAT(title(), HasSubstr("good.kva.h5"));
  std::mt19937 random(7);
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    open(m_folder.write("lie.kva.h5", test::withLie(bytes, blocks, random)));
    EXPECT_TRUE(settle(*m_window));
    EXPECT_TRUE(m_window->isVisible());
  }
  // Whatever kills the process that looks into a file, the window says so.
  const fs::path killer = m_folder.write("killer.sh", "#!/bin/sh\nkill -SEGV $$\n");
  fs::permissions(killer, fs::perms::owner_all);
  trace::vetWith(killer);
  open(sample("other.kva.h5"));
  EXPECT_THAT(message(), HasSubstr("other.kva.h5: is damaged or made to harm"));
  trace::vetWith("");
  open(m_folder / "other.kva.h5");
  EXPECT_EQ(message(), "");
}

TEST_F(WindowTest, ATraceThatIsReplacedDoesNotHideTheFailureOfAnother) {
  open(sample("a.kva.h5"));
  open(m_folder.write("b.kva.h5", "not a trace"));
  EXPECT_THAT(message(), HasSubstr("b.kva.h5"));
  sample("a.kva.h5", {.tokens = 300, .seed = 2});
  ASSERT_TRUE(waitUntil([this] { return m_window->document().tokens() == 300; }));
  EXPECT_THAT(message(), HasSubstr("b.kva.h5"));
}

TEST_F(WindowTest, AnUnfinishedTraceOpensAndSaysSo) {
  test::writeSampleTrace(m_folder / "growing.kva.h5", test::SampleTraceOptions{.finish = false});
  open(m_folder / "growing.kva.h5.part");
  EXPECT_TRUE(m_window->document().isOpen());
  EXPECT_NE(message(), "");
}

// A trace with tokens only opens; pages show messages for missing data.
TEST_F(WindowTest, SmallAndEmptyTracesOpen) {
  test::SampleTrace bare = test::makeSampleTrace({.keep_qk = false});
  bare.header.attention.cells.clear();
  for (trace::LayerRecord& layer : bare.layers) {
    layer.map_mean.clear();
    layer.map_max.clear();
  }
  const std::vector<test::SampleTrace> samples{
      test::makeSampleTrace({.layers = 1}), test::makeSampleTrace({.budgets = {}}),
      test::makeSampleTrace({.new_tokens = 0}),
      test::makeSampleTrace({.tokens = 1, .layers = 1, .window = 1, .new_tokens = 0, .budgets = {}}), bare};
  for (const test::SampleTrace& one : samples) {
    test::writeSampleTrace(m_folder / "small.kva.h5", one);
    open(m_folder / "small.kva.h5");
    ASSERT_TRUE(m_window->document().isOpen()) << message();
    EXPECT_TRUE(settle(*m_window));
    for (QDockWidget* dock : m_window->pages().docks()) {
      dock->raise();
      QApplication::processEvents();
    }
    m_window->selection().setCursor(views::Cell{0, 0});
    m_window->actions().fit->trigger();
    EXPECT_TRUE(settle(*m_window));
    m_window->document().close();
    fs::remove(m_folder / "small.kva.h5");
  }
}

TEST_F(WindowTest, ADeletedFileKeepsTheTraceOpen) {
  open(sample("gone.kva.h5"));
  fs::remove(m_folder / "gone.kva.h5");
  m_window->actions().refresh->trigger();
  ASSERT_TRUE(waitUntil([this] { return !m_window->message().isEmpty(); }));
  EXPECT_TRUE(m_window->document().isOpen());
  EXPECT_THAT(message(), HasSubstr("gone.kva.h5"));
}

}  // namespace
}  // namespace kvatlas::app
