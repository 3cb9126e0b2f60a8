// The files that were open last: in the settings, in the menu and on the start page.
#pragma once

#include <QObject>

class QMenu;

namespace kvatlas::views {
class StartPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ExplorerSettings;

class RecentFiles : public QObject {
  Q_OBJECT

 public:
  // All of them must outlive it.
  RecentFiles(ExplorerSettings& settings, QMenu& menu, views::StartPage& start, QObject* parent);

  void add(const QString& path);
  void remove(const QString& path);
  void show();

 signals:
  void chosen(const QString& path);

 private:
  ExplorerSettings& m_settings;
  QMenu& m_menu;
  views::StartPage& m_start;
};

}  // namespace kvatlas::app
