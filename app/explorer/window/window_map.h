// The map in the window's menus: comparison, a second trace, the parts that a menu hides. Its messages go to the
// message bar.
#pragma once

#include <QObject>

class QWidget;

namespace kvatlas::views {
class MapPage;
class MessageBar;
}  // namespace kvatlas::views

namespace kvatlas::app {

class ExplorerSettings;
struct WindowActions;

class WindowMap : public QObject {
  Q_OBJECT

 public:
  // All arguments must outlive it.
  WindowMap(QWidget& window, const WindowActions& actions, views::MapPage& map, views::MessageBar& message,
            ExplorerSettings& settings);

 private:
  void connectComparison(const WindowActions& actions);
  void connectMessages();
  void connectParts(const WindowActions& actions);
  void chooseOther();

  QWidget& m_window;
  views::MapPage& m_map;
  views::MessageBar& m_message;
  ExplorerSettings& m_settings;
  QString m_comparison_warning;
};

}  // namespace kvatlas::app
