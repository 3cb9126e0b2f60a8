#include "app/explorer/screenshot_tour.h"

#include <QDir>
#include <QDockWidget>
#include <QMenuBar>
#include <QTemporaryDir>

#include "app/explorer/capture_dialog.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/main_window.h"
#include "app/explorer/programme_files.h"
#include "app/explorer/settle.h"
#include "app/explorer/theme_switch.h"
#include "app/explorer/window_pages.h"
#include "core/base/error.h"
#include "views/pages/figure_dialog.h"

namespace kvatlas::app {
namespace {

constexpr QSize kWindow(1440, 900);

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
    for (QDockWidget* dock : m_window->pages().docks()) {
      dock->raise();
      const QString name = dock->objectName().section(QLatin1Char('-'), 1);
      if (m_window->dockWidgetArea(dock) == Qt::BottomDockWidgetArea) take(QStringLiteral("window-") + name, *m_window);
    }
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
    m_window->openFile(example);
    settle(*m_window);
    if (!m_window->document().isOpen()) fail("{}", m_window->message().toStdString());
    // The needle, read by the question, in a layer and head that look for it.
    auto& selection = m_window->selection();
    selection.setLayer(LayerIndex(4));
    selection.setHead({views::HeadChoice::QueryHead, 2});
    selection.setFocusRun(7);
    selection.setCursor(views::Cell{370, 198});
  }

  void takeDialogs() {
    CaptureJob job;
    CaptureDialog capture(job, m_settings, kvatlasProgramme());
    capture.show();
    take(QStringLiteral("capture"), capture);
    capture.close();
    views::FigureDialog figure(m_window->document(), m_window->selection(), views::FigureKind::Eviction);
    figure.show();
    take(QStringLiteral("figure"), figure);
  }

  QString m_folder, m_theme;
  QTemporaryDir m_scratch;
  ExplorerSettings m_settings;
  std::unique_ptr<MainWindow> m_window;
};

}  // namespace

void runScreenshotTour(const QString& folder) {
  if (!QDir().mkpath(folder)) fail("{}: cannot be made", folder.toStdString());
  for (const char* theme : {"light", "dark"}) Tour(folder, QString::fromLatin1(theme)).run();
}

}  // namespace kvatlas::app
