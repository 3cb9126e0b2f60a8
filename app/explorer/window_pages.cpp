#include "app/explorer/window_pages.h"

#include <QApplication>
#include <QDockWidget>
#include <QMainWindow>
#include <QMenu>
#include <QSplitter>

#include "views/pages/decode_page.h"
#include "views/pages/inspector_page.h"
#include "views/pages/layer_charts.h"
#include "views/pages/map_page.h"
#include "views/pages/position_chart.h"
#include "views/pages/ranking_chart.h"
#include "views/pages/runs_page.h"
#include "views/pages/tokens_page.h"
#include "views/pages/trace_page.h"

namespace kvatlas::app {
namespace {

// The text below the map, as the axis of keys.
QWidget* stacked(QWidget* map, QWidget* text) {
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->addWidget(map);
  splitter->addWidget(text);
  splitter->setStretchFactor(0, 1);
  splitter->setCollapsible(0, false);
  splitter->setSizes({600, 110});
  return splitter;
}

}  // namespace

WindowPages::WindowPages(QMainWindow& window, views::Document& document, views::Selection& selection)
    : QObject(&window),
      m_window(window),
      m_map(new views::MapPage(document, selection)),
      m_tokens(new views::TokensPage(document, selection)),
      m_central(stacked(m_map, m_tokens)) {
  // The bottom runs below everything, as in a profiler.
  window.setCorner(Qt::BottomLeftCorner, Qt::BottomDockWidgetArea);
  window.setCorner(Qt::BottomRightCorner, Qt::BottomDockWidgetArea);
  window.setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  add("runs", tr("Runs"), new views::RunsPage(document, selection), Qt::LeftDockWidgetArea);
  add("trace", tr("Trace"), new views::TracePage(document), Qt::LeftDockWidgetArea);
  add("inspector", tr("Inspector"), new views::InspectorPage(document, selection), Qt::RightDockWidgetArea);
  addChart<views::BudgetChart>("budget", tr("Budget"), document, selection);
  addChart<views::RetainedChart>("retained", tr("Retained mass"), document, selection);
  addChart<views::PositionChart>("positions", tr("Positions"), document, selection);
  addChart<views::KlChart>("kl", tr("KL"), document, selection);
  addChart<views::RankingChart>("ranking", tr("Score ranking"), document, selection);
  addChart<views::DecodePage>("decode", tr("Decode"), document, selection);
}

template <class Chart>
void WindowPages::addChart(const char* name, const QString& title, views::Document& document,
                           views::Selection& selection) {
  auto* chart = new Chart(document, selection);
  add(name, title, chart, Qt::BottomDockWidgetArea);
  m_numbers.push_back({chart, [chart] { return chart->csv(); }});
}

QDockWidget* WindowPages::add(const char* name, const QString& title, QWidget* page, int area) {
  auto* dock = new QDockWidget(title, &m_window);
  dock->setObjectName(QStringLiteral("dock-") + QString::fromLatin1(name));
  dock->setWidget(page);
  m_docks.push_back(dock);
  m_areas.push_back(area);
  return dock;
}

QDockWidget* WindowPages::dock(const char* name) const {
  for (QDockWidget* dock : m_docks)
    if (dock->objectName() == QStringLiteral("dock-") + QString::fromLatin1(name)) return dock;
  return nullptr;
}

void WindowPages::arrange() {
  m_shown.clear();
  QDockWidget* charts = nullptr;
  for (std::size_t i = 0; i < m_docks.size(); ++i) {
    QDockWidget* dock = m_docks[i];
    const auto area = static_cast<Qt::DockWidgetArea>(m_areas[i]);
    dock->setFloating(false);
    m_window.addDockWidget(area, dock);
    dock->show();
    if (area != Qt::BottomDockWidgetArea) continue;
    if (charts != nullptr) m_window.tabifyDockWidget(charts, dock);
    charts = dock;
  }
  if (QDockWidget* first = dock("budget")) first->raise();
  m_window.resizeDocks({dock("runs"), dock("trace")}, {260, 180}, Qt::Vertical);
  m_window.resizeDocks({dock("runs"), dock("inspector")}, {290, 280}, Qt::Horizontal);
  m_window.resizeDocks({dock("budget")}, {230}, Qt::Vertical);
}

void WindowPages::setVisible(bool visible) {
  if (visible) {
    for (QDockWidget* dock : m_shown) dock->show();
    m_shown.clear();
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
