// Makes the pages and sets them as docks around the middle; the only place that knows which pages there are.
#pragma once

#include <QObject>
#include <functional>
#include <vector>

class QDockWidget;
class QMainWindow;
class QMenu;
class QWidget;

namespace kvatlas::views {
class Document;
class MapPage;
class Selection;
class TokensPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class WindowPages : public QObject {
  Q_OBJECT

 public:
  WindowPages(QMainWindow& window, views::Document& document, views::Selection& selection);

  [[nodiscard]] QWidget* central() const { return m_central; }
  [[nodiscard]] QWidget* mapWidget() const;  // what takes wheel and mouse
  [[nodiscard]] views::MapPage& map() const { return *m_map; }
  [[nodiscard]] views::TokensPage& tokens() const { return *m_tokens; }
  [[nodiscard]] const std::vector<QDockWidget*>& docks() const { return m_docks; }
  [[nodiscard]] QDockWidget* dock(const char* name) const;  // null: there is none
  // Hidden while no trace is open; shown again as they were.
  void setVisible(bool visible);
  void arrange();  // as on a first start
  void addTo(QMenu& menu);
  [[nodiscard]] bool busy() const;  // tiles on their way
  // The numbers of the page that was used last; empty where it has none.
  [[nodiscard]] QString csv() const;

 private:
  template <class Chart>
  void addChart(const char* name, const QString& title, views::Document& document, views::Selection& selection);
  QDockWidget* add(const char* name, const QString& title, QWidget* page, int area);

  struct Numbers {
    QWidget* page;
    std::function<QString()> csv;
  };

  QMainWindow& m_window;
  views::MapPage* m_map;
  views::TokensPage* m_tokens;
  QWidget* m_central;
  std::vector<QDockWidget*> m_docks, m_shown;
  std::vector<int> m_areas;  // of m_docks
  std::vector<Numbers> m_numbers;
};

}  // namespace kvatlas::app
