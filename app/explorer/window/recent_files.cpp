#include "app/explorer/window/recent_files.h"

#include <QFileInfo>
#include <QMenu>

#include "app/explorer/explorer_settings.h"
#include "views/pages/start_page.h"

namespace kvatlas::app {

RecentFiles::RecentFiles(ExplorerSettings& settings, QMenu& menu, views::StartPage& start, QObject* parent)
    : QObject(parent), m_settings(settings), m_menu(menu), m_start(start) {}

void RecentFiles::add(const QString& path) {
  m_settings.addRecentFile(path);
  show();
}

void RecentFiles::remove(const QString& path) {
  m_settings.removeRecentFile(path);
  show();
}

void RecentFiles::show() {
  const QStringList files = m_settings.recentFiles();
  m_menu.clear();
  for (const QString& file : files) {
    QAction* action = m_menu.addAction(QFileInfo(file).fileName());
    action->setToolTip(file);
    action->setStatusTip(file);
    connect(action, &QAction::triggered, this, [this, file] { emit chosen(file); });
  }
  m_menu.setEnabled(!files.isEmpty());
  if (!files.isEmpty()) {
    m_menu.addSeparator();
    connect(m_menu.addAction(tr("&Forget these")), &QAction::triggered, this, [this] {
      m_settings.clearRecentFiles();
      QMetaObject::invokeMethod(
          this, [this] { show(); }, Qt::QueuedConnection);  // not inside the menu's own signal
    });
  }
  m_start.setRecentFiles(files);
}

}  // namespace kvatlas::app
