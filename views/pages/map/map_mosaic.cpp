#include "views/pages/map/map_mosaic.h"

#include <QGridLayout>
#include <algorithm>
#include <cmath>

#include "views/pages/map/pane_windows.h"

namespace kvatlas::views {

MapMosaic::MapMosaic(Document& document, Selection& selection, TileSource& tiles, QWidget* parent)
    : QWidget(parent), m_document(document), m_selection(selection), m_tiles(tiles), m_grid(new QGridLayout(this)) {
  setObjectName(QStringLiteral("mapMosaic"));
  m_grid->setContentsMargins(0, 0, 0, 0);
  m_grid->setSpacing(2);
  for (const auto signal : {&Selection::layerChanged, &Selection::headChanged, &Selection::reductionChanged,
                            &Selection::focusRunChanged, &Selection::hiddenRunsChanged})
    connect(&selection, signal, this, &MapMosaic::follow);
  connect(&selection, &Selection::reset, this, [this] { setOwn({}); });  // another trace has other runs and layers
  connect(&document, &Document::runListChanged, this, &MapMosaic::follow);
  connect(&selection, &Selection::cursorChanged, this, [this] {
    for (MapPane* pane : m_panes) pane->selection().setCursor(m_selection.cursor());
  });
}

void MapMosaic::setCount(int panes) {
  while (count() > panes) {
    delete m_panes.back();
    m_panes.pop_back();
  }
  while (count() < panes) add();
  const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(std::max(panes, 1)))));
  for (int i = 0; i < count(); ++i) m_grid->addWidget(m_panes[static_cast<std::size_t>(i)], i / columns, i % columns);
  follow();
}

void MapMosaic::add() {
  auto* pane = new MapPane(m_panes.size(), m_document, m_selection, m_tiles, this);
  MapView& view = pane->view();
  view.setTheme(m_theme);
  view.setColours(m_colours);
  view.setStretch(m_stretch);
  view.setReadoutShown(m_readout);
  emit added(&view);
  connect(&view, &MapView::windowChanged, this, [this, &view] { copyWindow(view); });
  connect(&view, &MapView::cursorMoved, &m_selection, &Selection::setCursor);
  connect(&view, &MapView::clicked, this, [this, pane](const Cell& cell) {
    choose(*pane);
    m_selection.setCursor(cell);
  });
  connect(&view, &MapView::drawn, this, &MapMosaic::drawn);
  connect(pane, &MapPane::layerStepped, &m_selection, &Selection::stepLayer);
  connect(pane, &MapPane::headStepped, &m_selection, &Selection::stepHead);
  connect(pane, &MapPane::chosen, this, [this, pane] { choose(*pane); });
  connect(pane, &MapPane::ownChanged, this, &MapMosaic::follow);
  connect(&pane->selection(), &Selection::reset, this, &MapMosaic::follow);
  m_panes.push_back(pane);
}

// The first of the neighbours around `at`. Neighbours in view stay: a click on one must not move it away.
std::size_t MapMosaic::firstShown(std::size_t at, std::size_t all) {
  const std::size_t shown = m_panes.size(), last = all > shown ? all - shown : 0;
  if (at < m_first || at >= m_first + shown) m_first = at - std::min(at, shown / 2);
  m_first = std::min(m_first, last);
  return m_first;
}

void MapMosaic::follow() {
  if (!m_document.isOpen() || m_panes.empty()) return;
  if (m_spread == Spread::Heads) followHeads();
  if (m_spread == Spread::Layers) followLayers();
  if (m_spread == Spread::Runs) followRuns();
}

void MapMosaic::followHeads() {
  const HeadChoice head = m_selection.head();
  const trace::ModelInfo& model = m_document.model();
  const std::size_t all = head.group() ? model.kv_heads : model.query_heads, first = firstShown(head.index, all);
  for (std::size_t i = 0; i < m_panes.size(); ++i) {
    m_panes[i]->setVisible(first + i < all || m_panes[i]->own().any());
    const auto index = static_cast<std::uint32_t>(std::min(first + i, all - 1));
    m_panes[i]->follow(m_selection.layer(), {head.group() ? head.kind : HeadChoice::QueryHead, index},
                       m_selection.focusRun());
  }
}

void MapMosaic::followLayers() {
  const std::size_t all = m_document.model().layers, first = firstShown(m_selection.layer().value, all);
  for (std::size_t i = 0; i < m_panes.size(); ++i) {
    m_panes[i]->setVisible(first + i < all || m_panes[i]->own().any());
    m_panes[i]->follow(LayerIndex(std::min(first + i, all - 1)), m_selection.head(), m_selection.focusRun());
  }
}

// The ticked runs; with none left for a map, it keeps the run in focus.
void MapMosaic::followRuns() {
  const std::vector<RunId> runs = m_selection.visibleRuns();
  const auto at = static_cast<std::size_t>(std::ranges::find(runs, m_selection.focusRun()) - runs.begin());
  const std::size_t first = firstShown(at < runs.size() ? at : 0, runs.size());
  for (std::size_t i = 0; i < m_panes.size(); ++i) {
    m_panes[i]->setVisible(first + i < runs.size() || m_panes[i]->own().any());
    m_panes[i]->follow(m_selection.layer(), m_selection.head(),
                       first + i < runs.size() ? runs[first + i] : m_selection.focusRun());
  }
}

void MapMosaic::choose(const MapPane& pane) {
  const LayerIndex layer = pane.selection().layer();
  const HeadChoice head = pane.selection().head();
  const RunId run = pane.selection().focusRun();
  m_selection.setLayer(layer);
  m_selection.setHead(head);
  m_selection.setFocusRun(run);
}

void MapMosaic::copyWindow(const MapView& from) {
  if (m_copying || !m_locked) return;
  m_copying = true;
  const bool whole = showsWhole(from);
  for (MapPane* pane : m_panes) {
    if (&pane->view() == &from) continue;
    if (whole)
      pane->view().fit();
    else
      pane->view().setWindow(from.window(), MapView::Step::Gesture);
  }
  m_copying = false;
}

void MapMosaic::setSpread(Spread spread) {
  if (spread == m_spread) return;
  m_spread = spread;
  m_first = 0;
  follow();
}

std::vector<MapPane::Own> MapMosaic::own() const {
  std::vector<MapPane::Own> all;
  for (const MapPane* pane : m_panes) all.push_back(pane->own());
  return all;
}

void MapMosaic::setOwn(const std::vector<MapPane::Own>& own) {
  for (std::size_t i = 0; i < m_panes.size(); ++i) m_panes[i]->setOwn(i < own.size() ? own[i] : MapPane::Own{});
}

void MapMosaic::setColours(const ColourSettings& colours) {
  m_colours = colours;
  for (MapPane* pane : m_panes) pane->view().setColours(colours);
}

void MapMosaic::setTheme(Theme theme) {
  m_theme = theme;
  for (MapPane* pane : m_panes) pane->view().setTheme(theme);
}

void MapMosaic::setStretch(double stretch) {
  m_stretch = stretch;
  for (MapPane* pane : m_panes) pane->view().setStretch(stretch);
}

void MapMosaic::setReadoutShown(bool shown) {
  m_readout = shown;
  for (MapPane* pane : m_panes) pane->view().setReadoutShown(shown);
}

MapView& MapMosaic::frontView() {
  const auto focused = std::ranges::find_if(m_panes, [](MapPane* pane) { return pane->view().hasFocus(); });
  return (focused == m_panes.end() ? m_panes.front() : *focused)->view();
}

bool MapMosaic::settled() const {
  return std::ranges::all_of(m_panes, [](MapPane* pane) { return pane->isHidden() || pane->view().map().settled(); });
}

}  // namespace kvatlas::views
