// An open window whose every page can be brought to the front, for rules that all of them keep.
#pragma once

#include <QDockWidget>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/window/main_window.h"
#include "app/explorer/window/window_pages.h"
#include "tests/views/pages/qt_widgets.h"

namespace kvatlas::app {

class AuditedWindow : public test::QtWidgetTest {
 protected:
  AuditedWindow() : m_settings(file("settings.ini")) {
    m_settings.setNotesInTrace(false);
    m_window = std::make_unique<MainWindow>(m_settings);
    m_window->resize(1440, 900);
    m_window->show();
  }
  void open() {
    const auto path = sample("a.kva.h5", {.budgets = {32, 64}});
    m_window->openFile(QString::fromStdString(path.string()));
    ASSERT_TRUE(waitUntil([this] { return m_window->document().isOpen(); }));
    ASSERT_TRUE(settle(*m_window));
  }
  // Every dock in turn, in front and unfolded.
  void forEachDock(const std::function<void(QDockWidget&)>& job) {
    WindowPages& pages = m_window->pages();
    for (QDockWidget* dock : pages.docks()) {
      pages.setFolded(Qt::BottomDockWidgetArea, m_window->dockWidgetArea(dock) != Qt::BottomDockWidgetArea);
      dock->raise();
      ASSERT_TRUE(settle(*m_window));
      job(*dock);
    }
    pages.setFolded(Qt::BottomDockWidgetArea, true);
  }
  static bool takesTab(const QWidget& widget) {
    return widget.isVisible() && widget.isEnabled() && (widget.focusPolicy() & Qt::TabFocus) != 0;
  }
  // The widgets inside `part` that Tab visits, in its order.
  static std::vector<const QWidget*> tabOrder(const QWidget& part) {
    std::vector<const QWidget*> order;
    const QWidget* widget = &part;
    do {
      widget = widget->nextInFocusChain();
      if (part.isAncestorOf(widget) && takesTab(*widget) && widget->focusProxy() == nullptr) order.push_back(widget);
    } while (widget != &part);
    return order;
  }
  static std::string nameOf(const QWidget& widget) {
    return std::string(widget.metaObject()->className()) + " " + widget.objectName().toStdString();
  }

  ExplorerSettings m_settings;
  std::unique_ptr<MainWindow> m_window;
};

}  // namespace kvatlas::app
