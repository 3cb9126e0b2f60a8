#include "views/pages/map/map_mosaic.h"

#include <QGridLayout>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/pages/charts/run_chart.h"

namespace kvatlas::views {
namespace {

// The first of `count` neighbours around `at` that all exist.
std::size_t firstOf(std::size_t at, std::size_t count, std::size_t all) {
  const std::size_t most = all > count ? all - count : 0;
  return std::min(at - std::min(at, count / 2), most);
}

}  // namespace

MapMosaic::MapMosaic(Document& document, Selection& selection, TileSource& tiles, QWidget* parent)
    : QWidget(parent), m_document(document), m_selection(selection), m_tiles(tiles), m_grid(new QGridLayout(this)) {
  setObjectName(QStringLiteral("mapMosaic"));
  m_grid->setContentsMargins(0, 0, 0, 0);
  m_grid->setSpacing(2);
  for (const auto signal : {&Selection::reset, &Selection::layerChanged, &Selection::headChanged,
                            &Selection::reductionChanged, &Selection::focusRunChanged, &Selection::hiddenRunsChanged})
    connect(&selection, signal, this, &MapMosaic::follow);
  connect(&document, &Document::runListChanged, this, &MapMosaic::follow);
  connect(&selection, &Selection::cursorChanged, this, [this] {
    for (const Pane& pane : m_panes) pane.selection->setCursor(m_selection.cursor());
  });
}

void MapMosaic::setCount(int panes) {
  while (static_cast<int>(m_panes.size()) > panes) {
    delete m_panes.back().frame;  // with the view, whose binding uses the selection
    m_panes.pop_back();
  }
  while (static_cast<int>(m_panes.size()) < panes) add();
  const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(std::max(panes, 1)))));
  for (std::size_t i = 0; i < m_panes.size(); ++i)
    m_grid->addWidget(m_panes[i].frame, static_cast<int>(i) / columns, static_cast<int>(i) % columns);
  follow();
  if (!m_panes.empty()) copyWindow(*m_panes.front().view);
}

void MapMosaic::add() {
  Pane pane;
  pane.selection = std::make_unique<Selection>(m_document);
  pane.frame = new QWidget(this);
  pane.title = new QToolButton;
  pane.title->setAutoRaise(true);
  pane.title->setToolTip(tr("Show this map alone in the panels around"));
  pane.view = new MapView;
  pane.view->setObjectName(QStringLiteral("mosaicView%1").arg(m_panes.size()));
  pane.view->setTheme(m_theme);
  pane.view->setColours(m_colours);
  pane.view->setStretch(m_stretch);
  pane.view->setTracksShown(false);
  pane.view->setCaptionShown(false);
  auto* column = new QVBoxLayout(pane.frame);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(pane.title);
  column->addWidget(pane.view, 1);
  auto* binding = new MapBinding(m_document, *pane.selection, m_tiles, *pane.view);
  binding->setTracksWanted(false);
  const Selection* own = pane.selection.get();
  MapView* view = pane.view;
  connect(view, &MapView::windowChanged, this, [this, view] { copyWindow(*view); });
  connect(view, &MapView::cursorMoved, &m_selection, &Selection::setCursor);
  connect(view, &MapView::layerStepped, &m_selection, &Selection::stepLayer);
  connect(view, &MapView::headStepped, &m_selection, &Selection::stepHead);
  connect(view, &MapView::clicked, this, [this, own](const Cell& cell) {
    choose(*own);
    m_selection.setCursor(cell);
  });
  connect(view, &MapView::drawn, this, &MapMosaic::drawn);
  connect(pane.title, &QToolButton::clicked, this, [this, own] { choose(*own); });
  m_panes.push_back(std::move(pane));
}

// Layer, head or run of each pane, around what the window has selected.
void MapMosaic::follow() {
  if (!m_document.isOpen()) return;
  const std::size_t count = m_panes.size();
  const HeadChoice head = m_selection.head();
  const trace::ModelInfo& model = m_document.model();
  const std::vector<RunId> runs = m_selection.visibleRuns();
  const auto focus = static_cast<std::size_t>(std::ranges::find(runs, m_selection.focusRun()) - runs.begin());
  for (std::size_t i = 0; i < count; ++i) {
    Selection& pane = *m_panes[i].selection;
    LayerIndex layer = m_selection.layer();
    HeadChoice heads = head;
    RunId run = m_selection.focusRun();
    bool shown = true;
    if (m_spread == Spread::Heads) {
      const std::size_t all = head.group() ? model.kv_heads : model.query_heads;
      const std::size_t index = firstOf(head.index, count, all) + i;
      shown = index < all;
      heads = {head.group() ? head.kind : HeadChoice::QueryHead, static_cast<std::uint32_t>(index)};
    } else if (m_spread == Spread::Layers) {
      layer = LayerIndex(firstOf(layer.value, count, model.layers) + i);
      shown = layer.value < model.layers;
    } else {
      const std::size_t index = firstOf(std::min(focus, runs.size()), count, runs.size()) + i;
      shown = index < runs.size();
      if (shown) run = runs[index];
    }
    m_panes[i].frame->setVisible(shown);
    if (!shown) continue;
    pane.setLayer(layer);
    pane.setHead(heads);
    pane.setReduction(m_selection.reduction());
    pane.setFocusRun(run);
    m_panes[i].title->setText(titleOf(pane));
    m_panes[i].title->setAccessibleName(titleOf(pane));
  }
}

QString MapMosaic::titleOf(const Selection& pane) const {
  const QString head = tr("layer %1, %2").arg(pane.layer().value).arg(QString::fromStdString(textOf(pane.head())));
  return m_spread == Spread::Runs && m_document.hasRun(pane.focusRun()) ? runText(m_document, pane.focusRun()) : head;
}

void MapMosaic::choose(const Selection& pane) {
  const LayerIndex layer = pane.layer();
  const HeadChoice head = pane.head();
  const RunId run = pane.focusRun();
  m_selection.setLayer(layer);
  m_selection.setHead(head);
  m_selection.setFocusRun(run);
}

void MapMosaic::copyWindow(const MapView& from) {
  if (m_copying) return;
  m_copying = true;
  for (const Pane& pane : m_panes)
    if (pane.view != &from) pane.view->setWindow(from.window(), MapView::Step::Gesture);
  m_copying = false;
}

void MapMosaic::setSpread(Spread spread) {
  m_spread = spread;
  follow();
}

void MapMosaic::setColours(const ColourSettings& colours) {
  m_colours = colours;
  for (const Pane& pane : m_panes) pane.view->setColours(colours);
}

void MapMosaic::setTheme(Theme theme) {
  m_theme = theme;
  for (const Pane& pane : m_panes) pane.view->setTheme(theme);
}

void MapMosaic::setStretch(double stretch) {
  m_stretch = stretch;
  for (const Pane& pane : m_panes) pane.view->setStretch(stretch);
}

void MapMosaic::setReadoutShown(bool shown) {
  for (const Pane& pane : m_panes) pane.view->setReadoutShown(shown);
}

void MapMosaic::fit() {
  for (const Pane& pane : m_panes) pane.view->fit();
}

bool MapMosaic::settled() const {
  return std::ranges::all_of(m_panes,
                             [](const Pane& pane) { return pane.frame->isHidden() || pane.view->map().settled(); });
}

}  // namespace kvatlas::views
