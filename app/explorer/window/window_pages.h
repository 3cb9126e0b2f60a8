// Makes the pages of the page table and sets them as docks around the map.
#pragma once

#include <QObject>
#include <functional>
#include <string_view>
#include <vector>

#include "app/explorer/window/page_table.h"

class QDockWidget;
class QMainWindow;
class QMenu;
class QWidget;

namespace kvatlas::views {
class BookmarksPage;
class GridPage;
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
  [[nodiscard]] views::BookmarksPage& bookmarks() const;
  [[nodiscard]] views::GridPage& grid() const;
  [[nodiscard]] views::WhatIfPage& whatIf() const;
  [[nodiscard]] const std::vector<QDockWidget*>& docks() const { return m_docks; }  // in the order of the table
  [[nodiscard]] QDockWidget& dock(std::string_view id) const;                       // Error where no row has it
  // Hidden while no trace is open; shown again as they were.
  void setVisible(bool visible);
  void arrange();                               // as on a first start
  void keepSizes() { m_sizes_wanted = false; }  // they were restored
  void addTo(QMenu& menu);
  [[nodiscard]] bool busy() const;  // tiles on their way
  // The numbers of the page that was used last; empty where it has none.
  [[nodiscard]] QString csv() const;

 private:
  template <class Page>
  [[nodiscard]] Page& page() const;
  QDockWidget* add(const PageRow& row, const PageContext& context);
  void stackArea(const std::vector<QDockWidget*>& docks, Qt::DockWidgetArea area);  // tabs; the first on top
  void sizeDocks();
  void resizeTo(Qt::Orientation direction, const std::vector<Qt::DockWidgetArea>& areas);

  struct Numbers {
    QWidget* page;
    std::function<QString()> csv;
  };

  QMainWindow& m_window;
  views::MapPage* m_map;
  views::TokensPage* m_tokens;
  QWidget* m_central;
  std::vector<QDockWidget*> m_docks, m_shown;
  std::vector<Numbers> m_numbers;
  bool m_sizes_wanted = false;
};

}  // namespace kvatlas::app
