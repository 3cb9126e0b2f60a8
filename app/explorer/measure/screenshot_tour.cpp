#include "app/explorer/measure/screenshot_tour.h"

#include <QComboBox>
#include <QDir>
#include <QDockWidget>
#include <QTemporaryDir>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/export_dialog.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/theme_switch.h"
#include "app/explorer/window/window_pages.h"
#include "core/base/error.h"
#include "views/models/document/notes.h"
#include "views/pages/figure_dialog.h"
#include "views/pages/grid_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

constexpr QSize kWindow(1440, 900);

// Copies a trace; deletes the copy and its bookmarks file when destroyed.
class TemporaryCopy {
 public:
  TemporaryCopy(const QString& from, QString path) : m_path(std::move(path)) {
    remove();
    if (!QFile::copy(from, m_path)) fail("{}: cannot be written", m_path.toStdString());
  }
  ~TemporaryCopy() { remove(); }
  TemporaryCopy(const TemporaryCopy&) = delete;
  TemporaryCopy& operator=(const TemporaryCopy&) = delete;
  [[nodiscard]] const QString& path() const { return m_path; }

 private:
  void remove() {
    for (const QString& file : {m_path, QString::fromStdString(views::notesFile(m_path.toStdString()).string())})
      QFile::remove(file);
  }
  QString m_path;
};

class Tour {
 public:
  Tour(QString folder, const QString& theme)
      : m_folder(std::move(folder)), m_theme(theme), m_settings(m_scratch.filePath(QStringLiteral("settings.ini"))) {
    m_settings.setTheme(theme);
    m_window = std::make_unique<MainWindow>(m_settings);
    m_window->resize(kWindow);
    m_window->show();
  }

  void run() {
    grab(QStringLiteral("start"), *m_window);
    openExample();
    grabBottom();
    grabComparisons();
    grabSides();
    grabDialogs();
  }

 private:
  void grab(const QString& name, QWidget& widget) {
    settle(*m_window);
    const QString path = QDir(m_folder).filePath(m_theme + QLatin1Char('-') + name + QStringLiteral(".png"));
    if (!widget.grab().save(path)) fail("{}: cannot be written", path.toStdString());
  }

  void openExample() {
    const QString example = resourceFile(QStringLiteral("examples/marlow.kva.h5"));
    if (example.isEmpty()) fail("examples/marlow.kva.h5: not found next to kvatlas-explorer");
    // A copy, because the tour adds a bookmark.
    m_trace = std::make_unique<TemporaryCopy>(example, QDir(m_folder).filePath(QStringLiteral("marlow.kva.h5")));
    m_window->openFile(m_trace->path());
    settle(*m_window);
    if (!m_window->document().isOpen()) fail("{}", m_window->message().toStdString());
    // A head that attends from the question to the needle.
    auto& selection = m_window->selection();
    selection.setLayer(LayerIndex(3));
    selection.setHead({views::HeadChoice::QueryHead, 0});
    selection.setFocusRun(7);
    selection.setCursor(views::Cell{376, 200});
  }

  void raise(const char* dock) { m_window->pages().dock(dock).raise(); }

  void grabBottom() {
    for (QDockWidget* dock : m_window->pages().docks()) {
      if (m_window->dockWidgetArea(dock) != Qt::BottomDockWidgetArea) continue;
      dock->raise();
      if (dock->objectName() == QLatin1String("dock-decode")) m_window->selection().setStep(4);
      grab(QStringLiteral("window-") + dock->objectName().section(QLatin1Char('-'), 1), *m_window);
    }
    raise("budget");
  }

  void grabComparisons() {
    using views::PaneMode;
    m_window->selection().setCompareRun(5);
    for (const auto& [mode, name] : {std::pair{PaneMode::SideBySide, "beside"}, std::pair{PaneMode::Split, "split"},
                                     std::pair{PaneMode::Difference, "difference"}}) {
      m_window->pages().map().setMode(mode);
      grab(QStringLiteral("compare-") + QString::fromLatin1(name), *m_window);
    }
    m_window->pages().map().setMode(PaneMode::Single);
    m_window->selection().setCompareRun(views::kNoRun);
  }

  void grabSides() {
    raise("bookmarks");
    raise("trace");
    m_window->actions().add_bookmark->trigger();
    m_window->pages().grid().findChild<QComboBox*>(QStringLiteral("gridMetric"))->setCurrentIndex(0);
    grab(QStringLiteral("sides"), *m_window);
    raise("what-if");
    raise("inspector");
    auto* method = m_window->pages().whatIf().findChild<QComboBox*>(QStringLiteral("whatIfMethod"));
    method->setCurrentIndex(method->findData(QStringLiteral("snapkv")));
    m_window->pages().whatIf().slider().setValue(150);
    grab(QStringLiteral("what-if"), *m_window);
  }

  void grabDialogs() {
    CaptureJob job;
    CaptureDialog capture(job, m_settings, kvatlasProgramme());
    capture.show();
    grab(QStringLiteral("capture"), capture);
    capture.close();
    ExportDialog screen(*m_window->pages().map().shownView());
    screen.show();
    grab(QStringLiteral("export"), screen);
    views::FigureDialog figure(m_window->document(), m_window->selection(), "eviction");
    figure.show();
    grab(QStringLiteral("figure"), figure);
  }

  QString m_folder, m_theme;
  QTemporaryDir m_scratch;
  ExplorerSettings m_settings;
  std::unique_ptr<TemporaryCopy> m_trace;
  std::unique_ptr<MainWindow> m_window;
};

}  // namespace

void runScreenshotTour(const QString& folder) {
  if (!QDir().mkpath(folder)) fail("{}: cannot create the folder", folder.toStdString());
  for (const char* theme : {"light", "dark"}) Tour(folder, QString::fromLatin1(theme)).run();
}

}  // namespace kvatlas::app
