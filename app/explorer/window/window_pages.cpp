#include "app/explorer/window/window_pages.h"

#include <QApplication>
#include <QDockWidget>
#include <QMainWindow>
#include <QMenu>
#include <QSplitter>
#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "views/models/qt_text.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/grid_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/resting_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

// The text below the map, as the axis of keys.
QWidget* stacked(QWidget* map, QWidget* text) {
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->addWidget(map);
  splitter->addWidget(text);
  splitter->setStretchFactor(0, 1);
  splitter->setCollapsible(0, false);
  splitter->setSizes({620, 92});
  return splitter;
}

QString dockName(std::string_view id) {
  return QStringLiteral("dock-") + views::toQString(id);
}

}  // namespace

WindowPages::WindowPages(QMainWindow& window, views::Document& document, views::Selection& selection)
    : QObject(&window),
      m_window(window),
      m_map(new views::MapPage(document, selection)),
      m_tokens(new views::TokensPage(document, selection)),
      m_central(stacked(m_map, m_tokens)) {
  // The sides run down to the bottom: the grid and the list of runs are tall, the charts wide.
  window.setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
  window.setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
  window.setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  const PageContext context{document, selection, *m_map};
  const auto belowMap = [](const PageRow& row) { return areaOf(row.stack) == Qt::BottomDockWidgetArea; };
  for (const PageRow& row : pageTable())
    if (!belowMap(row)) m_docks.push_back(add(row, context));
  m_numbers.push_back({m_map, [this] { return m_map->csv(); }});
  for (const PageRow& row : pageTable())
    if (belowMap(row)) m_docks.push_back(add(row, context));
}

QDockWidget* WindowPages::add(const PageRow& row, const PageContext& context) {
  MadePage page = row.make(context);
  auto* dock = new QDockWidget(tr(row.title), &m_window);
  dock->setObjectName(dockName(row.id));
  dock->setWidget(page.widget);
  m_window.addDockWidget(areaOf(row.stack), dock);
  // A tab behind another counts as shown to Qt: its page would be kept up to date for nobody.
  if (auto* resting = qobject_cast<views::RestingPage*>(page.widget))
    connect(dock, &QDockWidget::visibilityChanged, resting, &views::RestingPage::setSeen);
  if (page.csv) m_numbers.push_back({page.widget, std::move(page.csv)});
  return dock;
}

template <class Page>
Page& WindowPages::page() const {
  for (const QDockWidget* dock : m_docks)
    if (auto* page = qobject_cast<Page*>(dock->widget())) return *page;
  fail("no page is a {}", Page::staticMetaObject.className());
}

views::BookmarksPage& WindowPages::bookmarks() const {
  return page<views::BookmarksPage>();
}

views::GridPage& WindowPages::grid() const {
  return page<views::GridPage>();
}

views::WhatIfPage& WindowPages::whatIf() const {
  return page<views::WhatIfPage>();
}

QDockWidget& WindowPages::dock(std::string_view id) const {
  for (QDockWidget* dock : m_docks)
    if (dock->objectName() == dockName(id)) return *dock;
  fail("no page is called '{}'", id);
}

void WindowPages::stackArea(const std::vector<QDockWidget*>& docks, Qt::DockWidgetArea area) {
  for (QDockWidget* dock : docks) m_window.addDockWidget(area, dock);
  for (std::size_t i = 1; i < docks.size(); ++i) m_window.tabifyDockWidget(docks[i - 1], docks[i]);
  docks.front()->raise();
}

void WindowPages::arrange() {
  m_shown.clear();
  for (QDockWidget* dock : m_docks) {
    dock->setFloating(false);
    m_window.removeDockWidget(dock);
  }
  const std::span<const PageRow> rows = pageTable();
  for (auto first = rows.begin(); first != rows.end();) {
    std::vector<QDockWidget*> docks;
    const PageStack stack = first->stack;
    for (; first != rows.end() && first->stack == stack; ++first) docks.push_back(&dock(first->id));
    stackArea(docks, areaOf(stack));
  }
  for (QDockWidget* dock : m_docks) dock->show();
  m_sizes_wanted = true;
  if (m_window.isVisible()) sizeDocks();
}

// Hidden docks have no sizes: they are given once they are shown.
void WindowPages::sizeDocks() {
  if (!std::exchange(m_sizes_wanted, false)) return;
  resizeTo(Qt::Vertical, {Qt::LeftDockWidgetArea});
  resizeTo(Qt::Vertical, {Qt::RightDockWidgetArea});
  resizeTo(Qt::Horizontal, {Qt::LeftDockWidgetArea, Qt::RightDockWidgetArea});
  resizeTo(Qt::Vertical, {Qt::BottomDockWidgetArea});
}

void WindowPages::resizeTo(Qt::Orientation direction, const std::vector<Qt::DockWidgetArea>& areas) {
  QList<QDockWidget*> docks;
  QList<int> sizes;
  for (const PageRow& row : pageTable()) {
    const int size = direction == Qt::Vertical ? row.size.height() : row.size.width();
    if (size <= 0 || std::ranges::find(areas, areaOf(row.stack)) == areas.end()) continue;
    docks << &dock(row.id);
    sizes << size;
  }
  m_window.resizeDocks(docks, sizes, direction);
}

void WindowPages::setVisible(bool visible) {
  if (visible) {
    for (QDockWidget* dock : m_shown) dock->show();
    m_shown.clear();
    sizeDocks();
  } else if (m_shown.empty()) {
    for (QDockWidget* dock : m_docks)
      if (!dock->isHidden()) m_shown.push_back(dock);
    for (QDockWidget* dock : m_shown) dock->hide();
  }
}

void WindowPages::addTo(QMenu& menu) {
  for (QDockWidget* dock : m_docks) menu.addAction(dock->toggleViewAction());
}

QWidget* WindowPages::mapWidget() const {
  return &m_map->view();
}

bool WindowPages::busy() const {
  return !m_map->settled();
}

QString WindowPages::csv() const {
  const QWidget* focus = QApplication::focusWidget();
  const Numbers* seen = nullptr;
  for (const Numbers& numbers : m_numbers) {
    if (focus != nullptr && numbers.page->isAncestorOf(focus)) return numbers.csv();
    if (seen == nullptr && numbers.page->isVisible() && !numbers.page->visibleRegion().isEmpty()) seen = &numbers;
  }
  return seen == nullptr ? QString() : seen->csv();
}

}  // namespace kvatlas::app
