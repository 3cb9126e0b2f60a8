#include "views/pages/map/map_page.h"

#include <QHBoxLayout>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "views/pages/map/map_bar.h"
#include "views/pages/window_palette.h"
#include "views/plots/map/colour_scale_bar.h"
#include "views/plots/map/map_link.h"

namespace kvatlas::views {
namespace {

constexpr int kBlinkMs = 700, kHistogramMs = 60;

PictureSides pictureSidesOf(PaneMode mode) {
  switch (mode) {
    case PaneMode::Single:
    case PaneMode::SideBySide:
    case PaneMode::Blink:  // begins with the focus
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

bool near(const TokenWindow& a, const TokenWindow& b) {
  const double most = b.keys() * 1e-6;
  return std::abs(a.key_begin - b.key_begin) < most && std::abs(a.key_end - b.key_end) < most &&
         std::abs(a.query_begin - b.query_begin) < most && std::abs(a.query_end - b.query_end) < most;
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
      m_scale(new ColourScaleBar) {
  setObjectName(QStringLiteral("mapPage"));
  m_scale->setObjectName(QStringLiteral("colourScale"));
  buildLayout();
  holdCursor();
  for (int i = 0; i < 2; ++i) {
    m_views[i]->setTheme(themeOf(palette()));
    m_views[i]->setObjectName(QStringLiteral("mapView%1").arg(i));
    m_bindings[i] = new MapBinding(document, selection, m_tiles, *m_views[i]);
  }
  m_link = new MapLink(*m_views[0], *m_views[1], m_views[1]);
  m_link->setWindowsLocked(false);
  m_scale->setSettings(m_views[0]->colours());
  m_scale->setTheme(themeOf(palette()));
  linkViews();
  m_blink.setInterval(kBlinkMs);
  connect(&m_blink, &QTimer::timeout, m_bindings[0], &MapBinding::blink);
  connect(&selection, &Selection::compareRunChanged, this, &MapPage::showMode);
  connect(&m_other, &OtherTrace::changed, this, &MapPage::showOther);
  connect(&m_other, &OtherTrace::failed, this, &MapPage::failed);
  connect(m_bar, &MapBar::modeChosen, this, &MapPage::setMode);
  connect(m_bar, &MapBar::otherDropped, &m_other, &OtherTrace::close);
  showMode();
}

void MapPage::buildLayout() {
  auto* panes = new QHBoxLayout(m_panes);
  panes->setContentsMargins(0, 0, 0, 0);
  panes->setSpacing(2);
  for (MapView* view : m_views) panes->addWidget(view, 1);
  panes->addWidget(m_scale);
  m_views[1]->hide();
  auto* spring = new QWidget;
  spring->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  m_bar->addWidget(spring);
  m_bar->addAction(tr("Back"), m_views[0], &MapView::goBack)->setToolTip(tr("The place on the map before (Backspace)"));
  m_bar->addAction(tr("Forward"), m_views[0], &MapView::goForward);
  m_bar->addAction(tr("Whole map"), m_views[0], &MapView::fit);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(m_bar);
  column->addWidget(m_panes, 1);
}

// What the mouse points at is looked at while it points; a click, or a place chosen elsewhere, is come back to.
void MapPage::holdCursor() {
  for (MapView* view : m_views) {
    connect(view, &MapView::cursorMoved, this, [this](std::optional<Cell> cell) { m_hovered = cell; });
    connect(view, &MapView::clicked, this, [this](const Cell& cell) {
      m_held = cell;
      m_selection.setCursor(cell);
    });
    connect(
        view, &MapView::cursorMoved, this,
        [this](std::optional<Cell> cell) {
          if (!cell && !m_hovered && m_held) m_selection.setCursor(m_held);
        },
        Qt::QueuedConnection);  // after all that answer to the mouse
  }
  connect(&m_selection, &Selection::reset, this, [this] {
    m_held.reset();
    m_wanted.reset();
    m_whole = true;
  });
  connect(&m_selection, &Selection::cursorChanged, this, [this] {
    if (m_selection.cursor() && m_selection.cursor() != m_hovered) m_held = m_selection.cursor();
  });
}

void MapPage::linkViews() {
  // Counting what is in sight costs a third of drawing it: sixteen times a second are enough while it moves.
  m_histogram.setSingleShot(true);
  m_histogram.setInterval(kHistogramMs);
  connect(&m_histogram, &QTimer::timeout, this, [this] { m_scale->setHistogram(m_views[0]->map().visibleValues()); });
  connect(m_views[0], &MapView::drawn, this, [this] {
    if (!m_histogram.isActive()) m_histogram.start();
    emit statusChanged();
  });
  for (MapView* view : m_views) watchPane(*view);
  connect(m_views[0], &MapView::windowChanged, this, &MapPage::shareRange);
  connect(m_scale, &ColourScaleBar::settingsChanged, this, &MapPage::setColours);
}

const ColourSettings& MapPage::colours() const {
  return m_views[0]->colours();
}

void MapPage::setColours(const ColourSettings& colours) {
  for (MapView* view : m_views) view->setColours(colours);
  m_scale->setSettings(colours);
  emit coloursChanged();
  emit statusChanged();
}

// What the text beside the map is aligned with.
void MapPage::shareRange() {
  if (!m_document.isOpen()) return;
  const TokenWindow window = m_views[0]->window();
  const double last = static_cast<double>(m_document.tokens());
  const auto begin = static_cast<TokenIndex>(std::clamp(std::floor(window.key_begin), 0.0, last));
  const auto end = static_cast<TokenIndex>(std::clamp(std::ceil(window.key_end), 0.0, last));
  m_selection.setKeyRange(TokenRange{begin, end});
}

bool MapPage::comparing() const {
  return m_mode != PaneMode::Single && (m_other.isOpen() || m_selection.compareRun() != kNoRun);
}

void MapPage::setMode(PaneMode mode) {
  m_mode = mode == PaneMode::Ratio && !m_other.isOpen() ? PaneMode::Difference : mode;
  if (mode != PaneMode::Single && !comparing() && m_document.isOpen())
    for (const RunId run : m_document.runIds())
      if (run != m_selection.focusRun() && !m_document.runHeader(run).is_full) {
        m_selection.setCompareRun(run);
        break;
      }
  showMode();
}

void MapPage::showMode() {
  const bool side_by_side = comparing() && m_mode == PaneMode::SideBySide;
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
    QMetaObject::invokeMethod(this, &MapPage::fitPanes, Qt::QueuedConnection);
  }
  const bool of_values = comparing() && m_other.isOpen();
  m_scale->setQuantity(of_values && m_mode == PaneMode::Difference ? ScaleQuantity::Difference
                       : of_values && m_mode == PaneMode::Ratio    ? ScaleQuantity::Ratio
                                                                   : ScaleQuantity::Probability);
  emit modeChanged();
}

void MapPage::showWindow(const TokenWindow& window) {
  m_wanted = window;
  m_whole = false;
  fitPanes();
}

// What a pane of this size shows of what is wanted; empty: whatever it shows.
std::optional<TokenWindow> MapPage::wantedOf(const MapView& view) const {
  if (m_wanted) return allowed(*m_wanted, view.frame());
  return m_whole ? std::optional(fitted(view.frame())) : std::nullopt;
}

// Panes that showed the whole map, or a window that was asked for, still do when their sizes change; then they move
// together again.
void MapPage::fitPanes() {
  m_fitting = true;
  m_link->setWindowsLocked(false);
  for (MapView* view : m_views) {
    const auto wanted = wantedOf(*view);
    if (view->isHidden() || !wanted || near(view->window(), *wanted)) continue;
    if (m_wanted)
      view->setWindow(*wanted);
    else
      view->fit();
  }
  if (!m_views[1]->isHidden()) m_link->setWindowsLocked(true);
  m_fitting = false;
}

// Windows change by the person, or because a pane got another size while it was drawn.
void MapPage::watchPane(MapView& view) {
  connect(&view, &QCustomPlot::beforeReplot, this, [this] { ++m_drawing; });
  connect(&view, &MapView::windowChanged, this, [this, &view] {
    if (m_drawing > 0 || m_fitting || view.isHidden()) return;
    m_wanted.reset();
    m_whole = near(view.window(), fitted(view.frame()));
  });
  connect(&view, &QCustomPlot::afterReplot, this, [this, &view] {
    --m_drawing;
    const auto wanted = wantedOf(view);
    if (wanted && !view.isHidden() && !near(view.window(), *wanted))
      QMetaObject::invokeMethod(this, &MapPage::fitPanes, Qt::QueuedConnection);
  });
}

void MapPage::showOther() {
  const QString name = m_other.isOpen() ? m_other.name() : QString();
  for (MapBinding* binding : m_bindings) binding->setOther(m_other.isOpen() ? &m_other.tiles() : nullptr, name);
  m_bar->setOtherName(name);
  if (m_other.isOpen() && m_mode == PaneMode::Single) return setMode(PaneMode::SideBySide);
  if (!m_other.isOpen() && m_mode == PaneMode::Ratio) m_mode = PaneMode::Single;
  showMode();
}

bool MapPage::settled() const {
  return !m_document.isOpen() || (m_tiles.inFlight() == 0 && !m_other.busy() && m_views[0]->map().settled() &&
                                  (m_views[1]->isHidden() || m_views[1]->map().settled()));
}

QString MapPage::csv() const {
  MapView& pane = m_views[1]->hasFocus() ? *m_views[1] : *m_views[0];
  return QString::fromStdString(pane.map().table());
}

void MapPage::setCaptionShown(bool shown) {
  for (MapView* view : m_views) view->setCaptionShown(shown);
}

QString MapPage::statusText() const {
  const ScaleKind kind = m_views[0]->colours().kind;
  const QString scale = kind == ScaleKind::Log ? tr("log") : kind == ScaleKind::Sqrt ? tr("square root") : tr("linear");
  return tr("%1 · probability, %2").arg(m_views[0]->map().detailText(), scale);
}

void MapPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange) return;
  for (MapView* view : m_views) view->setTheme(themeOf(palette()));
  m_scale->setTheme(themeOf(palette()));
}

}  // namespace kvatlas::views
