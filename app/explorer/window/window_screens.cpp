#include "app/explorer/window/window_screens.h"

#include <QFileInfo>
#include <QStackedWidget>

#include "app/explorer/window/window_actions.h"
#include "app/explorer/window/window_pages.h"
#include "views/models/document/document.h"
#include "views/pages/map/map_page.h"
#include "views/pages/results/results_page.h"
#include "views/pages/start_page.h"

namespace kvatlas::app {

WindowScreens::WindowScreens(QWidget& window, const Parts& parts)
    : QObject(&window), m_window(window), m_parts(parts), m_stack(new QStackedWidget) {
  for (const Screen screen : {Screen::Start, Screen::Trace, Screen::Results}) m_stack->addWidget(widgetOf(screen));
}

QWidget* WindowScreens::widgetOf(Screen screen) const {
  if (screen == Screen::Trace) return m_parts.pages.central();
  return screen == Screen::Results ? static_cast<QWidget*>(&m_parts.results) : &m_parts.start;
}

WindowScreens::Screen WindowScreens::shown() const {
  return static_cast<Screen>(m_stack->currentIndex());
}

void WindowScreens::show(Screen screen) {
  const bool open = m_parts.document.isOpen();
  if (screen != Screen::Trace) {
    if (shown() == Screen::Trace && open) emit leavingTrace();
    m_parts.actions.map_only->setChecked(false);
  }
  m_stack->setCurrentWidget(widgetOf(screen));
  m_parts.pages.setVisible(screen == Screen::Trace);
  m_parts.actions.setTraceOpen(open);
  m_parts.actions.setOtherOpen(m_parts.pages.map().other().isOpen());
  m_parts.actions.setResultsOpen(m_parts.results.source().isOpen(), screen == Screen::Results);
  showTitle(screen);
  emit changed();
}

void WindowScreens::showResults(bool shown) {
  show(shown ? Screen::Results : m_parts.document.isOpen() ? Screen::Trace : Screen::Start);
}

void WindowScreens::toggleStart() {
  show(m_parts.document.isOpen() && shown() == Screen::Start ? Screen::Trace : Screen::Start);
}

void WindowScreens::showTitle(Screen screen) {
  std::filesystem::path path;
  if (screen == Screen::Results)
    path = m_parts.results.source().folder();
  else if (m_parts.document.isOpen())
    path = m_parts.document.path();
  const QString file = QString::fromStdString(path.string());
  m_window.setWindowFilePath(file);
  m_window.setWindowTitle(file.isEmpty() ? tr("KVAtlas Explorer")
                                         : tr("%1 — KVAtlas Explorer").arg(QFileInfo(file).fileName()));
}

}  // namespace kvatlas::app
