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

// A file that is there for a while, with its bookmarks.
class Borrowed {
 public:
  Borrowed(const QString& from, QString path) : m_path(std::move(path)) {
    remove();
    if (!QFile::copy(from, m_path)) fail("{}: cannot be written", m_path.toStdString());
  }
  ~Borrowed() { remove(); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
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
    take(QStringLiteral("start"), *m_window);
    openExample();
    takeBottom();
    takeComparisons();
    takeSides();
    takeDialogs();
  }

 private:
  void take(const QString& name, QWidget& widget) {
    settle(*m_window);
    const QString path = QDir(m_folder).filePath(m_theme + QLatin1Char('-') + name + QStringLiteral(".png"));
    if (!widget.grab().save(path)) fail("{}: cannot be written", path.toStdString());
  }

  void openExample() {
    const QString example = resourceFile(QStringLiteral("examples/marlow.kva.h5"));
    if (example.isEmpty()) fail("examples/marlow.kva.h5: not found beside this programme");
    // A copy: the tour makes a bookmark.
    m_trace = std::make_unique<Borrowed>(example, QDir(m_folder).filePath(QStringLiteral("marlow.kva.h5")));
    m_window->openFile(m_trace->path());
    settle(*m_window);
    if (!m_window->document().isOpen()) fail("{}", m_window->message().toStdString());
    // The needle, read by the question, in a layer and head that look for it.
    auto& selection = m_window->selection();
    selection.setLayer(LayerIndex(3));
    selection.setHead({views::HeadChoice::QueryHead, 0});
    selection.setFocusRun(7);
    selection.setCursor(views::Cell{376, 200});
  }

  void raise(const char* dock) { m_window->pages().dock(dock).raise(); }

  void takeBottom() {
    for (QDockWidget* dock : m_window->pages().docks()) {
      if (m_window->dockWidgetArea(dock) != Qt::BottomDockWidgetArea) continue;
      dock->raise();
      if (dock->objectName() == QLatin1String("dock-decode")) m_window->selection().setStep(4);
      take(QStringLiteral("window-") + dock->objectName().section(QLatin1Char('-'), 1), *m_window);
    }
    raise("budget");
  }

  void takeComparisons() {
    using views::PaneMode;
    m_window->selection().setCompareRun(5);
    for (const auto& [mode, name] : {std::pair{PaneMode::SideBySide, "beside"}, std::pair{PaneMode::Split, "split"},
                                     std::pair{PaneMode::Difference, "difference"}}) {
      m_window->pages().map().setMode(mode);
      take(QStringLiteral("compare-") + QString::fromLatin1(name), *m_window);
    }
    m_window->pages().map().setMode(PaneMode::Single);
    m_window->selection().setCompareRun(views::kNoRun);
  }

  void takeSides() {
    raise("bookmarks");
    raise("trace");
    m_window->actions().add_bookmark->trigger();
    m_window->pages().grid().findChild<QComboBox*>(QStringLiteral("gridMetric"))->setCurrentIndex(0);
    take(QStringLiteral("sides"), *m_window);
    raise("what-if");
    raise("inspector");
    auto* method = m_window->pages().whatIf().findChild<QComboBox*>(QStringLiteral("whatIfMethod"));
    method->setCurrentIndex(method->findData(QStringLiteral("snapkv")));
    m_window->pages().whatIf().slider().setValue(150);
    take(QStringLiteral("what-if"), *m_window);
  }

  void takeDialogs() {
    CaptureJob job;
    CaptureDialog capture(job, m_settings, kvatlasProgramme());
    capture.show();
    take(QStringLiteral("capture"), capture);
    capture.close();
    ExportDialog screen(*m_window->pages().map().shownView());
    screen.show();
    take(QStringLiteral("export"), screen);
    views::FigureDialog figure(m_window->document(), m_window->selection(), "eviction");
    figure.show();
    take(QStringLiteral("figure"), figure);
  }

  QString m_folder, m_theme;
  QTemporaryDir m_scratch;
  ExplorerSettings m_settings;
  std::unique_ptr<Borrowed> m_trace;
  std::unique_ptr<MainWindow> m_window;
};

}  // namespace

void runScreenshotTour(const QString& folder) {
  if (!QDir().mkpath(folder)) fail("{}: cannot be made", folder.toStdString());
  for (const char* theme : {"light", "dark"}) Tour(folder, QString::fromLatin1(theme)).run();
}

}  // namespace kvatlas::app
