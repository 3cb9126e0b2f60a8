// Creates the pages of the page table and docks them around the map.
#pragma once

#include <QList>
#include <QObject>
#include <QStringList>
#include <functional>
#include <string_view>
#include <vector>

#include "app/explorer/window/page_table.h"

class QDockWidget;
class QGridLayout;
class QMainWindow;
class QMenu;
class QWidget;

namespace kvatlas::views {
class BookmarksPage;
class GridPage;
class RunsPage;
class SweepChart;
class TokensPage;
class WhatIfPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

class EdgeHandle;

class WindowPages : public QObject {
  Q_OBJECT

 public:
  WindowPages(QMainWindow& window, views::Document& document, views::Selection& selection);

  [[nodiscard]] QWidget* central() const { return m_central; }
  [[nodiscard]] QWidget* mapWidget() const;  // receives wheel and mouse events
  [[nodiscard]] views::MapPage& map() const { return *m_map; }
  [[nodiscard]] views::TokensPage& tokens() const;
  [[nodiscard]] views::BookmarksPage& bookmarks() const;
  [[nodiscard]] views::GridPage& grid() const;
  [[nodiscard]] views::RunsPage& runs() const;
  [[nodiscard]] views::SweepChart& sweep() const;
  void showPage(std::string_view id);  // unfolds its side and raises it
  [[nodiscard]] views::WhatIfPage& whatIf() const;
  [[nodiscard]] const std::vector<QDockWidget*>& docks() const { return m_docks; }  // in table order
  [[nodiscard]] QDockWidget& dock(std::string_view id) const;                       // Error if no row has it
  // Hides the docks while no trace is open; shows the same ones again.
  void setVisible(bool visible);
  void arrange();  // default layout for the window's shape
  // Rearranges if the window's shape has changed and the user has not moved a panel.
  void followShape();
  // Folds the panels of one side to their handle, or shows them again.
  void setFolded(Qt::DockWidgetArea area, bool folded);
  [[nodiscard]] bool folded(Qt::DockWidgetArea area) const;
  void setMapOnly(bool only);                     // hides panels and handles; shows the same ones again
  [[nodiscard]] QStringList raisedPages() const;  // names of the docks in front of their tabs
  void raisePages(const QStringList& names);
  void keepSizes();  // the layout was restored
  void addTo(QMenu& menu);
  [[nodiscard]] bool busy() const;  // tiles still loading
  // The numbers of the page with keyboard focus, else of the first visible page; empty: none.
  [[nodiscard]] QString csv() const;

 private:
  template <class Page>
  [[nodiscard]] Page& page() const;
  QDockWidget* add(const PageRow& row, const PageContext& context);
  void stackArea(const std::vector<QDockWidget*>& docks, Qt::DockWidgetArea area);  // as tabs; the first on top
  void sizeDocks();
  [[nodiscard]] double scaleOf(Qt::Orientation direction, const QList<int>& sizes) const;
  void resizeTo(Qt::Orientation direction, const std::vector<Qt::DockWidgetArea>& areas);
  [[nodiscard]] WindowShape shape() const;
  [[nodiscard]] std::vector<QDockWidget*> docksIn(Qt::DockWidgetArea area) const;
  void showHandles();
  QWidget* framed(QWidget* map);

  struct Numbers {
    QWidget* page;
    std::function<QString()> csv;
  };

  QMainWindow& m_window;
  std::vector<EdgeHandle*> m_handles;
  views::MapPage* m_map;
  QWidget* m_central;
  std::vector<QDockWidget*> m_docks, m_shown, m_behind_map;
  QStringList m_raised_behind;  // pages to raise after the map-only mode
  WindowShape m_shape = WindowShape::Wide;
  bool m_customised = false, m_map_only = false, m_arranging = false;
  std::vector<Numbers> m_numbers;
  bool m_sizes_wanted = false;
};

}  // namespace kvatlas::app
