// A folder of results in the window, as `kvatlas evaluate` writes it: the prompt of a case, its capture, its answer.
#include <gmock/gmock.h>

#include <QLabel>
#include <QPlainTextEdit>
#include <QProcess>
#include <QPushButton>
#include <QTreeWidget>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/window_pages.h"
#include "tests/views/pages/qt_widgets.h"
#include "views/pages/results/case_details.h"
#include "views/pages/results/results_page.h"
#include "views/pages/runs_page.h"

namespace kvatlas::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ResultsWindow : public test::QtWidgetTest {
 protected:
  ResultsWindow() : m_settings(file("settings.ini")), m_window(std::make_unique<MainWindow>(m_settings)) {
    m_window->resize(1440, 900);
    m_window->show();
  }
  // Four prompts of the bundled model.
  void evaluate() {
    if (!QFile::exists(QCoreApplication::applicationDirPath() + QStringLiteral("/../lib/libkvatlas_capture.so")))
      GTEST_SKIP() << "built without libtorch";
    QProcess kvatlas;
    kvatlas.start(kvatlasProgramme(),
                  {"evaluate", "needle", "--model", resourceFile(QStringLiteral("models/tiny-llama")), "--lengths",
                   "120", "--depths", "0,50", "--trials", "2", "--method", "snapkv", "--budget", "24", "--threads", "1",
                   "-q", "-o", file("run")});
    ASSERT_TRUE(kvatlas.waitForFinished(120000));
    ASSERT_EQ(kvatlas.exitCode(), 0) << kvatlas.readAllStandardError().toStdString();
  }
  void open(const QString& path) {
    m_window->openFile(path);
    ASSERT_TRUE(waitUntil([this] { return page().isVisible(); }));
  }
  views::ResultsPage& page() { return m_window->results(); }
  std::string title() { return m_window->windowTitle().toStdString(); }

  ExplorerSettings m_settings;
  std::unique_ptr<MainWindow> m_window;
};

TEST_F(ResultsWindow, FromTheListToTheAnswerInTheAttention) {
  evaluate();
  if (IsSkipped()) return;
  open(file("run"));
  EXPECT_EQ(title(), "run — KVAtlas Explorer");
  EXPECT_EQ(m_settings.recentFiles(), QStringList{file("run")});
  page().chooseCase(QStringLiteral("L120-D50-number-t1"));
  auto* prompt = child<QPlainTextEdit>(page(), "casePrompt");
  ASSERT_TRUE(waitUntil([&] { return !prompt->toPlainText().isEmpty(); }))
      << child<QLabel>(page(), "promptTitle")->text().toStdString();
  const std::string expected = page().cases().recordsAt(3).front().expected;
  bool marked = false;
  for (const auto& selection : prompt->extraSelections())
    marked = marked || selection.cursor.selectedText().toStdString().find(expected) != std::string::npos;
  EXPECT_TRUE(marked) << expected;

  click(child<QPushButton>(page(), "showAttention"));
  const fs::path trace = m_folder / "run/traces/L120-D50-number-t1.kva.h5";
  ASSERT_TRUE(waitUntil([&] { return m_window->document().isOpen() && m_window->document().path() == trace; }))
      << m_window->message().toStdString();
  ASSERT_TRUE(waitUntil([&] { return !m_window->busy(); }));
  EXPECT_FALSE(page().isVisible());
  EXPECT_EQ(m_window->document().tokens(), 120U);
  std::vector<std::string> names;
  const auto& spans = m_window->document().prompt().spans;
  for (const auto& span : spans) names.push_back(span.name);
  EXPECT_THAT(names, ::testing::Contains("answer"));
  const auto answer = std::ranges::find(spans, "answer", &trace::Span::name);
  ASSERT_TRUE(m_window->selection().cursor().has_value());
  EXPECT_EQ(m_window->selection().cursor()->key, answer->begin);
  EXPECT_EQ(m_window->pages().runs().answer().toStdString(), expected);

  // Back and forth; the trace is there already.
  EXPECT_TRUE(m_window->actions().show_results->isEnabled());
  m_window->actions().show_results->trigger();
  EXPECT_TRUE(page().isVisible());
  EXPECT_EQ(page().details().caseId(), "L120-D50-number-t1");
  m_window->actions().show_results->trigger();
  EXPECT_FALSE(page().isVisible());
  EXPECT_THAT(title(), HasSubstr("L120-D50-number-t1.kva.h5"));
  m_window->actions().show_results->trigger();
  const auto written = fs::last_write_time(trace);
  click(child<QPushButton>(page(), "showAttention"));
  ASSERT_TRUE(waitUntil([&] { return !page().isVisible() && !m_window->busy(); }));
  EXPECT_EQ(fs::last_write_time(trace), written);

  m_window->actions().show_results->trigger();
  m_window->actions().close->trigger();
  EXPECT_FALSE(page().isVisible());
  EXPECT_TRUE(m_window->document().isOpen()) << "the trace behind the results";
  EXPECT_FALSE(m_window->actions().show_results->isEnabled());
}

TEST_F(ResultsWindow, AFolderWithoutResultsIsNamed) {
  fs::create_directory(m_folder / "empty");
  m_window->openFile(file("empty"));
  ASSERT_TRUE(waitUntil([this] { return !m_window->message().isEmpty(); }));
  EXPECT_THAT(m_window->message().toStdString(), HasSubstr("not a folder of results"));
  EXPECT_FALSE(page().isVisible());
}

}  // namespace
}  // namespace kvatlas::app
