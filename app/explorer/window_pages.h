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
class BookmarksPage;
class Document;
class GridPage;
class MapPage;
class Selection;
class TokensPage;
class WhatIfPage;
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
  [[nodiscard]] views::BookmarksPage& bookmarks() const { return *m_bookmarks; }
  [[nodiscard]] views::GridPage& grid() const { return *m_grid; }
  [[nodiscard]] views::WhatIfPage& whatIf() const { return *m_what_if; }
  [[nodiscard]] const std::vector<QDockWidget*>& docks() const { return m_docks; }
  [[nodiscard]] QDockWidget* dock(const char* name) const;  // null: there is none
  // Hidden while no trace is open; shown again as they were.
  void setVisible(bool visible);
  void arrange();                               // as on a first start
  void keepSizes() { m_sizes_wanted = false; }  // they were restored
  void addTo(QMenu& menu);
  [[nodiscard]] bool busy() const;  // tiles on their way
  // The numbers of the page that was used last; empty where it has none.
  [[nodiscard]] QString csv() const;

 private:
  template <class Chart>
  void addChart(const char* name, const QString& title, views::Document& document, views::Selection& selection);
  QDockWidget* add(const char* name, const QString& title, QWidget* page, int area);
  void addSides(views::Document& document, views::Selection& selection);
  void sizeDocks();
  void stackArea(const std::vector<const char*>& names, int area);  // tabs; the first on top

  struct Numbers {
    QWidget* page;
    std::function<QString()> csv;
  };

  QMainWindow& m_window;
  views::MapPage* m_map;
  views::TokensPage* m_tokens;
  views::BookmarksPage* m_bookmarks = nullptr;
  views::GridPage* m_grid = nullptr;
  views::WhatIfPage* m_what_if = nullptr;
  QWidget* m_central;
  std::vector<QDockWidget*> m_docks, m_shown;
  std::vector<Numbers> m_numbers;
  bool m_sizes_wanted = false;
};

}  // namespace kvatlas::app
