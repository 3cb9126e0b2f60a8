#include "app/explorer/window_pages.h"

#include <QApplication>
#include <QDockWidget>
#include <QMainWindow>
#include <QMenu>
#include <QSplitter>
#include <utility>

#include "app/explorer/view_state.h"
#include "views/pages/agreement_page.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/decode_page.h"
#include "views/pages/grid_page.h"
#include "views/pages/inspector_page.h"
#include "views/pages/layer_charts.h"
#include "views/pages/map_page.h"
#include "views/pages/position_chart.h"
#include "views/pages/ranking_chart.h"
#include "views/pages/runs_page.h"
#include "views/pages/token_table.h"
#include "views/pages/tokens_page.h"
#include "views/pages/trace_page.h"
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
  addSides(document, selection);
  m_numbers.push_back({m_map, [this] { return m_map->csv(); }});
  addChart<views::BudgetChart>("budget", tr("Budget"), document, selection);
  addChart<views::HeadBudgetChart>("head-budget", tr("Budget of heads"), document, selection);
  addChart<views::RetainedChart>("retained", tr("Retained mass"), document, selection);
  addChart<views::PositionChart>("positions", tr("Positions"), document, selection);
  addChart<views::KlChart>("kl", tr("KL"), document, selection);
  addChart<views::RankingChart>("ranking", tr("Score ranking"), document, selection);
  addChart<views::AgreementPage>("agreement", tr("Agreement"), document, selection);
  addChart<views::TokenTable>("tokens", tr("Tokens"), document, selection);
  addChart<views::DecodePage>("decode", tr("Decode"), document, selection);
}

void WindowPages::addSides(views::Document& document, views::Selection& selection) {
  add("runs", tr("Runs"), new views::RunsPage(document, selection), Qt::LeftDockWidgetArea);
  m_grid = new views::GridPage(document, selection, m_map->tiles());
  add("grid", tr("Layer × head"), m_grid, Qt::LeftDockWidgetArea);
  m_numbers.push_back({m_grid, [this] { return m_grid->csv(); }});
  connect(m_map, &views::MapPage::coloursChanged, m_grid, [this] { m_grid->setColours(m_map->colours()); });
  add("inspector", tr("Inspector"), new views::InspectorPage(document, selection), Qt::RightDockWidgetArea);
  add("trace", tr("Trace"), new views::TracePage(document), Qt::RightDockWidgetArea);
  m_what_if = new views::WhatIfPage(document, selection);
  add("what-if", tr("What if"), m_what_if, Qt::RightDockWidgetArea);
  m_bookmarks = new views::BookmarksPage(document, [this, &selection] { return fullStateOf(selection, *m_map); });
  add("bookmarks", tr("Bookmarks"), m_bookmarks, Qt::RightDockWidgetArea);
}

template <class Chart>
void WindowPages::addChart(const char* name, const QString& title, views::Document& document,
                           views::Selection& selection) {
  auto* chart = new Chart(document, selection);
  const QDockWidget* dock = add(name, title, chart, Qt::BottomDockWidgetArea);
  // A tab behind another counts as shown to Qt: its page would be kept up to date for nobody.
  if constexpr (requires { chart->setSeen(true); })
    connect(dock, &QDockWidget::visibilityChanged, chart, &Chart::setSeen);
  m_numbers.push_back({chart, [chart] { return chart->csv(); }});
}

QDockWidget* WindowPages::add(const char* name, const QString& title, QWidget* page, int area) {
  auto* dock = new QDockWidget(title, &m_window);
  dock->setObjectName(QStringLiteral("dock-") + QString::fromLatin1(name));
  dock->setWidget(page);
  m_window.addDockWidget(static_cast<Qt::DockWidgetArea>(area), dock);
  m_docks.push_back(dock);
  return dock;
}

QDockWidget* WindowPages::dock(const char* name) const {
  for (QDockWidget* dock : m_docks)
    if (dock->objectName() == QStringLiteral("dock-") + QString::fromLatin1(name)) return dock;
  return nullptr;
}

void WindowPages::stackArea(const std::vector<const char*>& names, int area) {
  for (const char* name : names) m_window.addDockWidget(static_cast<Qt::DockWidgetArea>(area), dock(name));
  for (std::size_t i = 1; i < names.size(); ++i) m_window.tabifyDockWidget(dock(names[i - 1]), dock(names[i]));
  dock(names.front())->raise();
}

void WindowPages::arrange() {
  m_shown.clear();
  for (QDockWidget* dock : m_docks) {
    dock->setFloating(false);
    m_window.removeDockWidget(dock);
  }
  stackArea({"runs"}, Qt::LeftDockWidgetArea);
  stackArea({"grid"}, Qt::LeftDockWidgetArea);
  stackArea({"inspector", "trace"}, Qt::RightDockWidgetArea);
  stackArea({"what-if", "bookmarks"}, Qt::RightDockWidgetArea);
  stackArea({"budget", "head-budget", "retained", "positions", "kl", "ranking", "agreement", "tokens", "decode"},
            Qt::BottomDockWidgetArea);
  for (QDockWidget* dock : m_docks) dock->show();
  m_sizes_wanted = true;
  if (m_window.isVisible()) sizeDocks();
}

// Hidden docks have no sizes: they are given once they are shown.
void WindowPages::sizeDocks() {
  if (!std::exchange(m_sizes_wanted, false)) return;
  m_window.resizeDocks({dock("runs"), dock("grid")}, {300, 480}, Qt::Vertical);
  m_window.resizeDocks({dock("inspector"), dock("what-if")}, {440, 340}, Qt::Vertical);
  m_window.resizeDocks({dock("runs"), dock("inspector")}, {290, 300}, Qt::Horizontal);
  m_window.resizeDocks({dock("budget")}, {215}, Qt::Vertical);
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
