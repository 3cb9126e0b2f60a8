#include "views/pages/map/map_page.h"

#include <QHBoxLayout>
#include <QMenu>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "views/pages/map/cursor_pin.h"
#include "views/pages/map/map_bar.h"
#include "views/pages/map/map_mosaic.h"
#include "views/pages/map/pair_layout.h"
#include "views/pages/map/pane_windows.h"
#include "views/pages/window_palette.h"
#include "views/plots/map/colour_scale_bar.h"
#include "views/plots/map/map_link.h"
#include "views/plots/map/map_overview.h"

namespace kvatlas::views {
namespace {

constexpr int kBlinkMs = 700, kHistogramMs = 60;
constexpr double kStretch = 2;

PictureSides pictureSidesOf(PaneMode mode) {
  switch (mode) {
    case PaneMode::Single:
    case PaneMode::SideBySide:
    case PaneMode::Blink:  // starts with A
      return PictureSides::OnlyA;
    case PaneMode::Split:
      return PictureSides::Split;
    case PaneMode::Difference:
      return PictureSides::Difference;
    case PaneMode::Ratio:
      return PictureSides::Ratio;
  }
  fail("mode of the map {} is unknown", static_cast<int>(mode));
}

}  // namespace

MapPage::MapPage(Document& document, Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_tiles(document),
      m_other(document),
      m_bar(new MapBar(document, selection)),
      m_panes(new QWidget),
      m_views{new MapView, new MapView},
      m_mosaic(new MapMosaic(document, selection, m_tiles)),
      m_windows(new PaneWindows(this)),
      m_pin(new CursorPin(selection, this)),
      m_scale(new ColourScaleBar),
      m_overview(new MapOverview) {
  setObjectName(QStringLiteral("mapPage"));
  m_scale->setObjectName(QStringLiteral("colourScale"));
  buildLayout();
  makeButtons();
  for (int i = 0; i < 2; ++i) {
    m_views[i]->setTheme(themeOf(palette()));
    m_views[i]->setObjectName(QStringLiteral("mapView%1").arg(i));
    m_views[i]->setAccessibleName(i == 0 ? tr("Attention map") : tr("Attention map of B"));
    m_views[i]->setStretch(kStretch);
    m_pin->watch(*m_views[i]);  // before the binding moves the cursor
    m_bindings[i] = new MapBinding(document, selection, m_tiles, *m_views[i]);
  }
  m_link = new MapLink(*m_views[0], *m_views[1], m_views[1]);
  m_link->setWindowsLocked(false);
  showColours();
  m_scale->setTheme(themeOf(palette()));
  m_mosaic->setTheme(themeOf(palette()));
  linkViews();
  linkMosaic();
  linkBar();
  m_blink.setInterval(kBlinkMs);
  connect(&m_blink, &QTimer::timeout, m_bindings[0], &MapBinding::blink);
  connect(&selection, &Selection::reset, m_windows, &PaneWindows::reset);
  connect(&selection, &Selection::compareRunChanged, this, &MapPage::showMode);
  connect(&m_other, &OtherTrace::changed, this, &MapPage::showOther);
  connect(&m_other, &OtherTrace::failed, this, &MapPage::failed);
  showMode();
}

void MapPage::buildLayout() {
  auto* panes = new QHBoxLayout(m_panes);
  panes->setContentsMargins(0, 0, 0, 0);
  panes->setSpacing(2);
  auto* pair = new PairLayout;
  for (MapView* view : m_views) pair->addWidget(view, 1);
  panes->addLayout(pair, 1);
  panes->addWidget(m_mosaic, 1);
  m_mosaic->hide();
  m_mosaic->setStretch(kStretch);
  auto* margin = new QVBoxLayout;
  margin->setSpacing(2);
  margin->addWidget(m_scale, 1);
  margin->addWidget(m_overview);
  panes->addLayout(margin);
  m_overview->setView(m_views[0]);
  m_views[1]->hide();
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_bar);
  column->addWidget(m_panes, 1);
}

// At the right end of the bar.
void MapPage::makeButtons() {
  auto* spring = new QWidget;
  spring->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  m_bar->addWidget(spring);
  const auto add = [this](const QString& sign, const QString& title, auto job) {
    QAction* action = m_bar->addAction(sign, this, job);
    action->setToolTip(title);
    m_bar->widgetForAction(action)->setAccessibleName(title);
  };
  add(QStringLiteral("‹"), tr("Back to previous view (Backspace)"), [this] { frontView().goBack(); });
  add(QStringLiteral("›"), tr("Forward to the next view (Alt + →)"), [this] { frontView().goForward(); });
  add(QStringLiteral("⌂"), tr("Fit to window (Home)"), [this] { fit(); });
}

void MapPage::linkViews() {
  // Counting the visible values costs a third of drawing them: sixteen updates a second are enough while panning.
  m_histogram.setSingleShot(true);
  m_histogram.setInterval(kHistogramMs);
  connect(&m_histogram, &QTimer::timeout, this, &MapPage::updateHistogram);
  connect(m_views[0], &MapView::drawn, this, [this] {
    if (!m_histogram.isActive()) m_histogram.start();
    emit statusChanged();
  });
  for (MapView* view : m_views) {
    m_windows->add(*view);
    connect(view, &MapView::menuWanted, this, &MapPage::showMenu);
  }
  connect(m_windows, &PaneWindows::fittingChanged, this, [this](bool fitting) {
    m_link->setWindowsLocked(!fitting && !m_views[1]->isHidden());
    m_mosaic->setWindowsLocked(!fitting);
  });
  connect(m_views[0], &MapView::windowChanged, this, &MapPage::shareRange);
}

void MapPage::linkMosaic() {
  connect(m_mosaic, &MapMosaic::added, this, [this](MapView* view) {
    m_windows->add(*view);
    m_pin->watch(*view);
    connect(view, &MapView::windowChanged, this, &MapPage::shareRange);
  });
  connect(m_mosaic, &MapMosaic::drawn, this, [this] {
    if (!m_histogram.isActive()) m_histogram.start();
    emit statusChanged();
  });
}

void MapPage::linkBar() {
  connect(m_bar, &MapBar::modeChosen, this, &MapPage::setMode);
  connect(m_bar, &MapBar::viewsChosen, this, &MapPage::setViews);
  connect(m_bar, &MapBar::otherDropped, &m_other, &OtherTrace::close);
  connect(m_bar, &MapBar::overlayChanged, this, [this](EvictionStyle style, double opacity) {
    ColourSettings colours = m_colours;
    colours.eviction = style;
    colours.eviction_opacity = opacity;
    setColours(colours);
  });
  connect(m_scale, &ColourScaleBar::settingsChanged, this, [this](ColourSettings colours) {
    if (m_scale->settings().table == m_views[0]->colours().table && m_views[0]->colours().table != m_colours.table)
      colours.table = m_colours.table;  // the grey of a comparison is not the user's choice
    setColours(colours);
  });
}

void MapPage::updateHistogram() {
  m_scale->setHistogram(frontView().map().visibleValues());
  if (!m_fit_pending) return;
  if (!loaded()) return m_histogram.start();  // the last tile may be another view's, and draw nothing here
  m_fit_pending = false;
  fitFirst();
}

// Half of the values are dark, so that what stands out, stands out.
void MapPage::fitFirst() {
  constexpr double kDark = 0.5, kBright = 0.995;
  setColours(fittedTo(frontView().map().visibleValues(), m_colours, kDark, kBright));
}

// Two runs of one trace differ in colour on a grey map: washes would drown in a coloured one.
void MapPage::showColours() {
  ColourSettings shown = m_colours;
  if (comparing() && !m_other.isOpen() && m_mode == PaneMode::Difference) shown.table = "grey";
  for (MapView* view : m_views) view->setColours(shown);
  m_mosaic->setColours(m_colours);
  m_scale->setSettings(shown);
  m_bar->showColours(m_colours);
}

int MapPage::views() const {
  return m_many ? m_mosaic->count() : 1;
}

MapView& MapPage::frontView() const {
  return m_many ? m_mosaic->frontView() : *m_views[0];
}

// The same tokens stay in view.
void MapPage::setViews(int count, int spread) {
  const bool whole = showsWhole(frontView());
  const TokenWindow window = frontView().window();
  m_many = count > 1;
  m_bar->showViews(count, spread);
  m_views[0]->setVisible(!m_many);
  static_cast<QBoxLayout*>(m_panes->layout())->setStretch(0, m_many ? 0 : 1);  // hidden views take no room
  m_mosaic->setVisible(m_many);
  m_mosaic->setSpread(static_cast<MapMosaic::Spread>(spread));
  if (!m_many) m_overview->setView(m_views[0]);
  m_mosaic->setCount(m_many ? count : 0);
  if (m_many) m_overview->setView(&m_mosaic->view(0));
  if (!whole && m_document.isOpen()) m_windows->show(window);
  showMode();
}

void MapPage::fit() {
  frontView().fit();
}

void MapPage::reveal(const Cell& cell) {
  MapView& view = frontView();
  const TokenWindow shown = view.window();
  const bool inside = cell.key >= shown.key_begin && cell.key < shown.key_end && cell.query >= shown.query_begin &&
                      cell.query < shown.query_end;
  if (!inside) view.jumpTo(cell);
}

void MapPage::showMenu(const QPoint& global, std::optional<Cell> cell) {
  if (!m_document.isOpen()) return;
  QMenu menu;
  menu.setObjectName(QStringLiteral("mapMenu"));
  if (cell) {
    menu.addAction(tr("&Pin query %1, key %2").arg(cell->query).arg(cell->key), this,
                   [this, cell] { m_selection.setCursor(cell); });
    menu.addAction(tr("&Centre here"), this, [this, cell] { m_views[0]->jumpTo(*cell); });
  }
  menu.addAction(tr("&Fit to window"), m_views[0], &MapView::fit);
  if (const auto keys = m_selection.keyRange()) {
    menu.addSeparator();
    menu.addAction(tr("&Name the visible keys %1 to %2 as a span…").arg(keys->begin).arg(keys->end - 1), this,
                   [this, keys] { emit spanWanted(keys->begin, keys->end); });
  }
  menu.exec(global);
}

void MapPage::fitColoursOnceLoaded() {
  m_fit_pending = true;
  m_histogram.start();
}

void MapPage::setBare(bool bare) {
  m_bare = bare;
  m_bar->setVisible(!bare);
  for (MapView* view : m_views) view->setTracksShown(!bare && m_views[1]->isHidden());
}

void MapPage::setSquareCells(bool square) {
  for (MapView* view : m_views) view->setStretch(square ? 1 : kStretch);
  m_mosaic->setStretch(square ? 1 : kStretch);
}

const ColourSettings& MapPage::colours() const {
  return m_colours;
}

void MapPage::setColours(const ColourSettings& colours) {
  m_colours = colours;
  showColours();
  emit coloursChanged();
  emit statusChanged();
}

// Aligns the text below the map with the visible keys.
void MapPage::shareRange() {
  if (!m_document.isOpen()) return;
  const TokenWindow window = frontView().window();
  const double last = static_cast<double>(m_document.tokens());
  const auto begin = static_cast<TokenIndex>(std::clamp(std::floor(window.key_begin), 0.0, last));
  const auto end = static_cast<TokenIndex>(std::clamp(std::ceil(window.key_end), 0.0, last));
  m_selection.setKeyRange(TokenRange{begin, end});
}

bool MapPage::comparing() const {
  return m_mode != PaneMode::Single && (m_other.isOpen() || m_selection.compareRun() != kNoRun);
}

void MapPage::setMode(PaneMode mode) {
  if (mode == PaneMode::Ratio && !m_other.isOpen()) {
    emit noted(
        tr("log₂ A / B needs a second trace: two runs of one trace have the same attention map. Open one with "
           "Compare → Compare with another trace."));
    return showMode();
  }
  m_mode = mode;
  if (mode != PaneMode::Single && !comparing() && m_document.isOpen())
    for (const RunId run : m_document.runIds())
      if (run != m_selection.focusRun() && !m_document.runHeader(run).is_full) {
        m_selection.setCompareRun(run);
        break;
      }
  showMode();
}

void MapPage::showMode() {
  const bool side_by_side = comparing() && m_mode == PaneMode::SideBySide && !m_many;
  m_bar->setMode(m_mode);
  m_bindings[0]->setPictureSides(comparing() ? pictureSidesOf(m_mode) : PictureSides::OnlyA);
  m_bindings[1]->setPictureSides(PictureSides::OnlyB);
  if (comparing() && m_mode == PaneMode::Blink)
    m_blink.start();
  else
    m_blink.stop();
  if (side_by_side == m_views[1]->isHidden()) {
    m_link->setWindowsLocked(false);
    m_views[1]->setVisible(side_by_side);
    // Strips twice would leave no room for the maps.
    for (MapView* view : m_views) view->setTracksShown(!side_by_side && !m_bare);
    m_windows->fitSoon();
  }
  const bool of_values = comparing() && m_other.isOpen();
  m_scale->setQuantity(of_values && m_mode == PaneMode::Difference ? ScaleQuantity::Difference
                       : of_values && m_mode == PaneMode::Ratio    ? ScaleQuantity::Ratio
                                                                   : ScaleQuantity::Probability);
  showColours();
  emit modeChanged();
}

void MapPage::showWindow(const TokenWindow& window) {
  m_windows->show(window);
}

void MapPage::showOther() {
  const QString name = m_other.isOpen() ? m_other.name() : QString();
  for (MapBinding* binding : m_bindings) binding->setOther(m_other.isOpen() ? &m_other.tiles() : nullptr, name);
  m_bar->setOtherName(name);
  if (m_other.isOpen() && m_mode == PaneMode::Single) return setMode(PaneMode::SideBySide);
  if (!m_other.isOpen() && m_mode == PaneMode::Ratio) m_mode = PaneMode::Single;
  showMode();
}

bool MapPage::loaded() const {
  if (m_document.isOpen() && m_many) return m_tiles.inFlight() == 0 && m_mosaic->settled();
  return !m_document.isOpen() || (m_tiles.inFlight() == 0 && !m_other.busy() && m_views[0]->map().settled() &&
                                  (m_views[1]->isHidden() || m_views[1]->map().settled()));
}

QString MapPage::csv() const {
  MapView& view = m_views[1]->hasFocus() ? *m_views[1] : frontView();
  return QString::fromStdString(view.map().table());
}

void MapPage::setCaptionShown(bool shown) {
  for (MapView* view : m_views) view->setCaptionShown(shown);
}

void MapPage::setReadoutShown(bool shown) {
  m_readout = shown;
  for (MapView* view : m_views) view->setReadoutShown(shown);
  m_mosaic->setReadoutShown(shown);
}

void MapPage::setOverviewShown(bool shown) {
  m_overview->setVisible(shown);
}

QString MapPage::statusText() const {
  const ScaleKind kind = m_colours.kind;
  const QString scale = kind == ScaleKind::Log ? tr("log") : kind == ScaleKind::Sqrt ? tr("square root") : tr("linear");
  return tr("%1 · probability, %2").arg(frontView().map().detailText(), scale);
}

void MapPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange) return;
  for (MapView* view : m_views) view->setTheme(themeOf(palette()));
  m_mosaic->setTheme(themeOf(palette()));
  m_scale->setTheme(themeOf(palette()));
}

}  // namespace kvatlas::views
