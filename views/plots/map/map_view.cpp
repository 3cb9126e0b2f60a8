#include "views/plots/map/map_view.h"

#include <algorithm>
#include <cmath>

#include "views/plots/canvas.h"
#include "views/plots/map/map_gestures.h"
#include "views/plots/map/map_tracks.h"
#include "views/plots/token_ticker.h"

namespace kvatlas::views {
namespace {

constexpr double kKeyZoom = 1.5;
// Pixels per token from which axes show text, and below which they stop: apart, because labels take room from the map.
constexpr double kTextFrom = 12, kTextUntil = 10.5;
constexpr int kLongestLabel = 10;  // characters
const QString kCursorLayer = QStringLiteral("cursor");

}  // namespace

MapView::MapView(QWidget* parent) : QCustomPlot(parent) {
  plotLayout()->clear();
  m_rect = new QCPAxisRect(this, true);
  m_tracks = std::make_unique<MapTracks>(this, m_rect);
  setUpAxes();
  m_map = new MapPlottable(m_rect->axis(QCPAxis::atBottom), m_rect->axis(QCPAxis::atLeft));
  addLayer(kCursorLayer);
  layer(kCursorLayer)->setMode(QCPLayer::lmBuffered);
  m_cursor = new MapCursor(m_rect, kCursorLayer);
  m_gestures = new MapGestures(*this);
  setAntialiasedElements(QCP::aeNone);
  setNoAntialiasingOnDrag(false);
  setMinimumSize(160, 130);
  connect(this, &QCustomPlot::afterLayout, this, [this] {
    adaptToSize();
    m_tracks->setCell(m_map->cell());
  });
  connect(m_map, &MapPlottable::drawn, this, &MapView::drawn);
  connect(m_map, &MapPlottable::drawn, this, &MapView::updateReadout);
  m_cursor->setTracks(m_tracks->alongKeys(), m_tracks->alongQueries());
  applyTheme();
}

MapView::~MapView() = default;

void MapView::setUpAxes() {
  for (const QCPAxis::AxisType type : {QCPAxis::atBottom, QCPAxis::atLeft}) {
    QCPAxis* axis = m_rect->axis(type);
    axis->setTicker(QSharedPointer<TokenTicker>::create());
    axis->grid()->setVisible(false);
    axis->setLabel(type == QCPAxis::atBottom ? tr("key →") : tr("query ↓"));
    axis->setLabelPadding(2);
  }
  m_rect->axis(QCPAxis::atLeft)->setRangeReversed(true);
  m_rect->axis(QCPAxis::atTop)->setVisible(true);
  m_rect->axis(QCPAxis::atRight)->setVisible(true);
  for (const QCPAxis::AxisType type : {QCPAxis::atTop, QCPAxis::atRight}) {
    m_rect->axis(type)->setTicks(false);
    m_rect->axis(type)->setTickLabels(false);
  }
}

void MapView::applyTheme() {
  const ThemeColours& colours = themeColours(m_theme);
  setBackground(QBrush(toColour(colours.paper)));
  for (QCPAxis* axis : m_rect->axes()) {
    const QPen pen(toColour(colours.muted));
    axis->setBasePen(pen);
    axis->setTickPen(pen);
    axis->setSubTickPen(pen);
    axis->setTickLabelColor(toColour(colours.ink));
    axis->setLabelColor(toColour(colours.muted));
    axis->setTickLabelFont(font());
    axis->setLabelFont(font());
  }
  m_tracks->setTheme(m_theme);
  m_cursor->setTheme(m_theme);
  m_map->setColours(m_colours, m_theme, m_shades);
  replot(rpQueuedReplot);
  emit pictureChanged();
}

void MapView::setCaptionShown(bool shown) {
  m_map->setBadgeShown(shown);
  replot(rpQueuedReplot);
}

void MapView::setTheme(Theme theme) {
  m_theme = theme;
  applyTheme();
}

void MapView::setColours(const ColourSettings& colours) {
  m_colours = colours;
  m_map->setColours(m_colours, m_theme, m_shades);
  replot(rpQueuedReplot);
  emit pictureChanged();
}

void MapView::setShadeColours(ShadeColours colours) {
  m_shades = colours;
  setColours(m_colours);
}

void MapView::setPicture(const MapPicture& picture) {
  const std::uint64_t before = m_map->tokens();
  m_map->setPicture(picture);
  m_tracks->setTokens(m_map->tokens());
  if (m_map->tokens() != before) {
    m_shown = {};
    m_fitted = true;
    setCursor(std::nullopt);
  }
  updateReadout();
  replot(rpQueuedReplot);
  emit pictureChanged();
}

void MapView::setSpans(const std::vector<trace::Span>& spans) {
  m_map->setSpans(spans);
  m_tracks->setSpans(spans);
  replot(rpQueuedReplot);
}

void MapView::setReceived(std::vector<float> values) {
  m_tracks->setReceived(std::move(values));
  replot(rpQueuedReplot);
}

void MapView::setEntropy(std::vector<float> values) {
  m_tracks->setEntropy(std::move(values));
  replot(rpQueuedReplot);
}

void MapView::setStrips(const std::vector<StripPointer>& strips) {
  m_tracks->setStrips(strips);
  m_cursor->setTracks(m_tracks->alongKeys(), m_tracks->alongQueries());
  replot(rpQueuedReplot);
}

MapFrame MapView::frame() const {
  return {static_cast<double>(m_map->tokens()), std::max<double>(m_rect->width(), 1),
          std::max<double>(m_rect->height(), 1), m_stretch};
}

void MapView::setStretch(double stretch) {
  if (stretch == m_stretch) return;
  m_stretch = stretch;
  m_shown.width = 0;  // adapts at the next layout
  replot(rpQueuedReplot);
}

void MapView::setTracksShown(bool shown) {
  m_tracks->setShown(shown);
  m_cursor->setTracks(m_tracks->alongKeys(), m_tracks->alongQueries());
  replot(rpQueuedReplot);
}

void MapView::setTokenText(std::function<QString(TokenIndex)> text) {
  m_token_text = std::move(text);
  labelAxes();
  replot(rpQueuedReplot);
}

std::optional<std::size_t> MapView::stripAt(const QPoint& pixel) const {
  return m_tracks->stripAt(pixel);
}

bool MapView::scrollStrips(int by) {
  const bool scrolls = m_tracks->scrollStrips(by);
  m_cursor->setTracks(m_tracks->alongKeys(), m_tracks->alongQueries());
  replot(rpQueuedReplot);
  return scrolls;
}

void MapView::resizeEvent(QResizeEvent* event) {
  m_tracks->setRoom(event->size().height());
  m_cursor->setTracks(m_tracks->alongKeys(), m_tracks->alongQueries());
  QCustomPlot::resizeEvent(event);
}

// The layout is known only while plotting. A new size keeps the zoom; a fitted map stays fitted.
void MapView::adaptToSize() {
  const MapFrame now = frame();
  if (now.tokens == 0 || (now.width == m_shown.width && now.height == m_shown.height && now.tokens == m_shown.tokens))
    return;
  const bool first = m_shown.tokens != now.tokens;
  TokenWindow next = fitted(now);
  if (!first && !m_fitted) {
    const TokenWindow old = window();
    const double per_pixel = m_shown.width > 0 ? old.keys() / m_shown.width : old.keys() / now.width;
    next = allowed({old.key_begin, old.key_begin + now.width * per_pixel, old.query_begin,
                    old.query_begin + now.height * per_pixel * cellShape(now)},
                   now);
  }
  m_shown = now;
  showWindow(next);
  if (first) m_history.start(next);
}

void MapView::showWindow(const TokenWindow& window) {
  m_rect->axis(QCPAxis::atBottom)->setRange(window.key_begin, window.key_end);
  m_rect->axis(QCPAxis::atLeft)->setRange(window.query_begin, window.query_end);
  for (const QCPAxis::AxisType type : {QCPAxis::atBottom, QCPAxis::atLeft}) {
    const auto ticker = m_rect->axis(type)->ticker().dynamicCast<TokenTicker>();
    ticker->setTokens(m_map->tokens());
    ticker->setRoom(type == QCPAxis::atBottom ? m_rect->width() : m_rect->height());
    // The entropy track draws its scale beside it.
    if (type == QCPAxis::atBottom) ticker->setClearEnd(QFontMetrics(font()).horizontalAdvance(QLatin1Char('0')));
  }
  labelAxes();
  m_tracks->follow();
  replot(rpQueuedReplot);
  emit windowChanged(window);
}

// Token text where a token is wide enough, else indices.
void MapView::labelAxes() {
  for (const QCPAxis::AxisType type : {QCPAxis::atBottom, QCPAxis::atLeft}) {
    QCPAxis* axis = m_rect->axis(type);
    const auto ticker = axis->ticker().dynamicCast<TokenTicker>();
    const bool keys = type == QCPAxis::atBottom;
    const double per_token = (keys ? m_rect->width() : m_rect->height()) / axis->range().size();
    const bool text =
        m_token_text && m_map->tokens() > 0 && per_token >= (ticker->showsText() ? kTextUntil : kTextFrom);
    if (text == ticker->showsText() && !text) continue;
    ticker->setText(!text ? std::function<QString(std::uint64_t)>() : [label = m_token_text](std::uint64_t token) {
      QString all = label(static_cast<TokenIndex>(token));
      return all.size() > kLongestLabel ? all.left(kLongestLabel - 1) + QChar(0x2026) : all;
    });
    if (keys) axis->setTickLabelRotation(text ? -90 : 0);
  }
}

void MapView::setWindow(const TokenWindow& window, Step step) {
  if (m_map->tokens() == 0) return;
  const TokenWindow next = allowed(window, frame());
  m_fitted = false;
  if (step != Step::Silent) m_history.push(next, step == Step::Gesture);
  if (next != this->window()) showWindow(next);
}

void MapView::fit() {
  if (m_map->tokens() == 0) return;
  setWindow(fitted(frame()));
  m_fitted = true;
}

void MapView::endGesture() {
  m_history.endGesture();
}

void MapView::goBack() {
  setWindow(m_history.back(), Step::Silent);
}

void MapView::goForward() {
  setWindow(m_history.forward(), Step::Silent);
}

void MapView::zoomIn() {
  const TokenWindow now = window();
  setWindow(zoomed(now, kKeyZoom, (now.key_begin + now.key_end) / 2, (now.query_begin + now.query_end) / 2));
}

void MapView::zoomOut() {
  const TokenWindow now = window();
  setWindow(zoomed(now, 1 / kKeyZoom, (now.key_begin + now.key_end) / 2, (now.query_begin + now.query_end) / 2));
}

void MapView::jumpTo(const Cell& cell) {
  const TokenWindow now = window();
  setWindow(moved(now, cell.key + 0.5 - (now.key_begin + now.key_end) / 2,
                  cell.query + 0.5 - (now.query_begin + now.query_end) / 2));
}

QPointF MapView::tokensAt(const QPointF& pixel) const {
  const TokenWindow shown = window();
  return {shown.key_begin + (pixel.x() - m_rect->left()) / std::max(m_rect->width(), 1) * shown.keys(),
          shown.query_begin + (pixel.y() - m_rect->top()) / std::max(m_rect->height(), 1) * shown.queries()};
}

std::optional<TokenIndex> MapView::keyAt(double x) const {
  const double key = tokensAt({x, 0}).x();
  const bool inside = x >= m_rect->left() && x <= m_rect->right();
  if (!inside || key < 0 || key >= static_cast<double>(m_map->tokens())) return std::nullopt;
  return static_cast<TokenIndex>(key);
}

std::optional<Cell> MapView::cellAt(const QPointF& pixel) const {
  const QPointF at = tokensAt(pixel);
  const double last = static_cast<double>(m_map->tokens());
  const bool inside = QRectF(m_rect->rect()).contains(pixel);
  if (!inside || at.x() < 0 || at.y() < 0 || at.x() >= last || at.y() >= last) return std::nullopt;
  return Cell{static_cast<TokenIndex>(at.y()), static_cast<TokenIndex>(at.x())};
}

void MapView::setCursor(std::optional<Cell> cell) {
  if (cell == m_cursor->cell()) return;
  m_cursor->setCell(cell);
  m_cursor->setReadout(readoutNow());
  layer(kCursorLayer)->replot();
}

void MapView::setReadout(std::function<CursorReadout(const Cell&)> readout) {
  m_readout = std::move(readout);
  updateReadout();
}

void MapView::setReadoutShown(bool shown) {
  m_readout_shown = shown;
  updateReadout();
}

CursorReadout MapView::readoutNow() const {
  const auto cell = m_cursor->cell();
  return cell && m_readout && m_readout_shown ? m_readout(*cell) : CursorReadout();
}

void MapView::updateReadout() {
  CursorReadout now = readoutNow();
  if (now == m_cursor->readout()) return;
  m_cursor->setReadout(std::move(now));
  layer(kCursorLayer)->replot();
}

void MapView::setBox(const QRect& box) {
  m_cursor->setBox(box);
  layer(kCursorLayer)->replot();
}

}  // namespace kvatlas::views
