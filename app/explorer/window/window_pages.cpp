#include "app/explorer/window/window_pages.h"

#include <QApplication>
#include <QDockWidget>
#include <QGridLayout>
#include <QMainWindow>
#include <QMenu>
#include <QMenuBar>
#include <QStatusBar>
#include <algorithm>
#include <numeric>
#include <utility>

#include "app/explorer/window/edge_handle.h"
#include "app/explorer/window/narrow_tabs.h"
#include "core/base/error.h"
#include "views/models/qt_text.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/charts/sweep_chart.h"
#include "views/pages/grid_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/resting_page.h"
#include "views/pages/runs_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

constexpr double kWide = 1.2;     // width / height of a window that has room beside the map
constexpr int kLeastWide = 1000;  // pixels

QString dockName(std::string_view id) {
  return QStringLiteral("dock-") + views::toQString(id);
}

}  // namespace

WindowPages::WindowPages(QMainWindow& window, views::Document& document, views::Selection& selection)
    : QObject(&window), m_window(window), m_map(new views::MapPage(document, selection)), m_central(framed(m_map)) {
  // The side docks take the bottom corners: grid and run list are tall.
  window.setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
  window.setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
  window.setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  new NarrowTabs(window);
  const PageContext context{document, selection, *m_map};
  const auto below = [](const PageRow& row) { return row.stack == PageStack::Charts || row.stack == PageStack::Wide; };
  for (const PageRow& row : pageTable())
    if (!below(row)) m_docks.push_back(add(row, context));
  m_numbers.push_back({m_map, [this] { return m_map->csv(); }});
  for (const PageRow& row : pageTable())
    if (below(row)) m_docks.push_back(add(row, context));
}

// The map with a handle at each edge that has panels.
QWidget* WindowPages::framed(QWidget* map) {
  auto* frame = new QWidget;
  auto* grid = new QGridLayout(frame);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setSpacing(0);
  grid->addWidget(map, 0, 1);
  grid->setColumnStretch(1, 1);
  grid->setRowStretch(0, 1);
  for (const Qt::DockWidgetArea area : {Qt::LeftDockWidgetArea, Qt::RightDockWidgetArea, Qt::BottomDockWidgetArea}) {
    auto* handle = new EdgeHandle(area);
    m_handles.push_back(handle);
    const bool below = area == Qt::BottomDockWidgetArea;
    grid->addWidget(handle, below ? 1 : 0, below ? 1 : area == Qt::LeftDockWidgetArea ? 0 : 2);
    connect(handle, &QToolButton::clicked, this, [this, area] { setFolded(area, !folded(area)); });
  }
  return frame;
}

QDockWidget* WindowPages::add(const PageRow& row, const PageContext& context) {
  MadePage page = row.make(context);
  auto* dock = new QDockWidget(tr(row.title), &m_window);
  dock->setObjectName(dockName(row.id));
  dock->setWidget(page.widget);
  m_window.addDockWidget(areaOf(row.stack, m_shape), dock);
  connect(dock, &QDockWidget::topLevelChanged, this, [this] { m_customised = m_customised || !m_arranging; });
  connect(dock, &QDockWidget::visibilityChanged, this, &WindowPages::showHandles);
  // Qt reports a tab behind another as visible; without setSeen its page would update while hidden.
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

views::TokensPage& WindowPages::tokens() const {
  return page<views::TokensPage>();
}

views::RunsPage& WindowPages::runs() const {
  return page<views::RunsPage>();
}

views::SweepChart& WindowPages::sweep() const {
  return page<views::SweepChart>();
}

void WindowPages::showPage(std::string_view id) {
  QDockWidget& page = dock(id);
  if (page.isHidden()) setFolded(m_window.dockWidgetArea(&page), false);
  page.show();
  page.raise();
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

WindowShape WindowPages::shape() const {
  const QSize size = m_window.size();
  return size.width() >= kLeastWide && size.width() >= kWide * size.height() ? WindowShape::Wide : WindowShape::Narrow;
}

void WindowPages::arrange() {
  m_arranging = true;
  m_shown.clear();
  m_behind_map.clear();
  m_map_only = m_customised = false;
  m_shape = shape();
  for (QDockWidget* dock : m_docks) {
    dock->setFloating(false);
    m_window.removeDockWidget(dock);
  }
  const std::span<const PageRow> rows = pageTable();
  for (auto first = rows.begin(); first != rows.end();) {
    std::vector<QDockWidget*> docks;
    const PageStack stack = first->stack;
    for (; first != rows.end() && first->stack == stack; ++first) docks.push_back(&dock(first->id));
    stackArea(docks, areaOf(stack, m_shape));
  }
  for (QDockWidget* dock : m_docks) dock->setVisible(m_window.dockWidgetArea(dock) != Qt::BottomDockWidgetArea);
  m_sizes_wanted = true;
  m_arranging = false;
  if (m_window.isVisible()) sizeDocks();
  showHandles();
}

void WindowPages::keepSizes() {
  m_sizes_wanted = false;
  m_customised = true;
}

void WindowPages::followShape() {
  if (m_customised || m_map_only || shape() == m_shape) return;
  const bool hidden = !m_shown.empty();
  arrange();
  if (hidden) setVisible(false);
}

std::vector<QDockWidget*> WindowPages::docksIn(Qt::DockWidgetArea area) const {
  std::vector<QDockWidget*> docks;
  for (QDockWidget* dock : m_docks)
    if (!dock->isFloating() && m_window.dockWidgetArea(dock) == area) docks.push_back(dock);
  return docks;
}

bool WindowPages::folded(Qt::DockWidgetArea area) const {
  return std::ranges::all_of(docksIn(area), [](const QDockWidget* dock) { return dock->isHidden(); });
}

// The pages in front of their tabs stay in front.
void WindowPages::setFolded(Qt::DockWidgetArea area, bool folded) {
  if (folded == this->folded(area)) return;
  const std::vector<QDockWidget*> docks = docksIn(area);
  const QStringList raised = raisedPages();
  for (QDockWidget* dock : docks) dock->setVisible(!folded);
  if (folded) return showHandles();
  resizeTo(area == Qt::BottomDockWidgetArea ? Qt::Vertical : Qt::Horizontal, {area});
  if (area != Qt::BottomDockWidgetArea) resizeTo(Qt::Vertical, {area});
  showHandles();
}

void WindowPages::setMapOnly(bool only) {
  if (only == m_map_only) return;
  m_map_only = only;
  if (only) {
    for (QDockWidget* dock : m_docks)
      if (!dock->isHidden()) m_behind_map.push_back(dock);
    const QStringList raised = raisedPages();
    for (QDockWidget* dock : m_behind_map) dock->hide();
    m_raised_behind = raised;
  } else {
    for (QDockWidget* dock : m_behind_map) dock->show();
    m_behind_map.clear();
    raisePages(m_raised_behind);
  }
  m_map->setBare(only);
  showHandles();
}

void WindowPages::showHandles() {
  for (EdgeHandle* handle : m_handles) {
    handle->setVisible(!m_map_only && !docksIn(handle->area()).empty());
    handle->setFolded(folded(handle->area()));
  }
}

QStringList WindowPages::raisedPages() const {
  QStringList names;
  for (const QDockWidget* dock : m_docks)
    if (!dock->isHidden() && !dock->visibleRegion().isEmpty()) names << dock->objectName();
  return names;
}

void WindowPages::raisePages(const QStringList& names) {
  for (QDockWidget* dock : m_docks)
    if (names.contains(dock->objectName())) dock->raise();
}

// Hidden docks have no size, so this runs once they are shown.
void WindowPages::sizeDocks() {
  if (!std::exchange(m_sizes_wanted, false)) return;
  resizeTo(Qt::Vertical, {Qt::LeftDockWidgetArea});
  resizeTo(Qt::Vertical, {Qt::RightDockWidgetArea});
  resizeTo(Qt::Horizontal, {Qt::LeftDockWidgetArea, Qt::RightDockWidgetArea});
  resizeTo(Qt::Vertical, {Qt::BottomDockWidgetArea});
}

// Panels grow with the window: columns share its height in the ratio of the table, and widen on large screens.
double WindowPages::scaleOf(Qt::Orientation direction, const QList<int>& sizes) const {
  constexpr double kWideFrom = 1920, kHighFrom = 1080;
  const auto needed = static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), 0));
  if (direction == Qt::Horizontal) return std::max(1.0, m_window.width() / kWideFrom);
  if (sizes.size() < 2) return std::max(1.0, m_window.height() / kHighFrom);
  const int room = m_window.height() - m_window.menuBar()->height() - m_window.statusBar()->height();
  return std::max(1.0, room / needed);
}

void WindowPages::resizeTo(Qt::Orientation direction, const std::vector<Qt::DockWidgetArea>& areas) {
  QList<QDockWidget*> docks;
  QList<int> sizes;
  for (const PageRow& row : pageTable()) {
    const int size = direction == Qt::Vertical ? row.size.height() : row.size.width();
    QDockWidget& page = dock(row.id);
    if (size <= 0 || page.isHidden() || std::ranges::find(areas, m_window.dockWidgetArea(&page)) == areas.end())
      continue;
    docks << &page;
    sizes << size;
  }
  const double scale = scaleOf(direction, sizes);
  for (int& size : sizes) size = qRound(size * scale);
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
