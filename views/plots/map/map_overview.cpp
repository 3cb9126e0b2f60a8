#include "views/plots/map/map_overview.h"

#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kSide = 92, kMargin = 3;
constexpr double kSmallestBox = 6;  // pixels, so that it can be seen and taken
constexpr double kZoomPerNotch = 1.25, kNotch = 120;
constexpr Rgb kBox = rgb(0xD55E00);

}  // namespace

MapOverview::MapOverview(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("mapOverview"));
  setAccessibleName(tr("Overview of the whole map"));
  setToolTip(tr("The whole map; the box is what you see. Drag it or click to move, turn the wheel to zoom"));
  setCursor(Qt::PointingHandCursor);
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void MapOverview::setView(MapView* view) {
  if (view == m_view) return;
  if (m_view) disconnect(m_view, nullptr, this, nullptr);
  m_view = view;
  if (view != nullptr) {
    connect(view, &MapView::windowChanged, this, qOverload<>(&QWidget::update));
    connect(view, &MapView::pictureChanged, this, &MapOverview::refresh);
  }
  refresh();
}

double MapOverview::tokens() const {
  return m_view ? static_cast<double>(m_view->map().tokens()) : 0;
}

QSize MapOverview::sizeHint() const {
  return {kSide, kSide};
}

// Another picture, or the same one in other colours.
void MapOverview::refresh() {
  if (TileSource* source = m_view ? m_view->picture().a.source : nullptr; source != m_source) followSource();
  m_stale = true;
  update();
}

void MapOverview::followSource() {
  for (const QMetaObject::Connection& connection : m_connections) disconnect(connection);
  m_connections.clear();
  m_subscriptions.clear();
  m_source = m_view ? m_view->picture().a.source : nullptr;
  if (m_source == nullptr) return;
  const auto redraw = [this] {
    m_stale = true;
    update();
  };
  m_connections = {connect(m_source, &TileSource::arrived, this,
                           [this, redraw](const TileKey& key) {
                             if (!m_view || m_complete) return;
                             const MapSide& side = m_view->picture().a;
                             if (key.layer == side.layer && key.head == side.head && key.reduction == side.reduction)
                               redraw();
                           }),
                   connect(m_source, &TileSource::changed, this, redraw)};
}

QRectF MapOverview::mapArea() const {
  return QRectF(rect()).adjusted(kMargin, kMargin, -kMargin, -kMargin);
}

MapScale MapOverview::scale() const {
  const double all = std::max(tokens(), 1.0), ratio = devicePixelRatioF();
  return {std::round(mapArea().width() * ratio) / all, std::round(mapArea().height() * ratio) / all};
}

QRectF MapOverview::box() const {
  const double all = tokens();
  if (all == 0) return {};
  const TokenWindow window = m_view->window();
  const QRectF area = mapArea();
  const auto at = [all](double token, double from, double length) { return from + token / all * length; };
  QRectF box(
      QPointF(at(window.key_begin, area.left(), area.width()), at(window.query_begin, area.top(), area.height())),
      QPointF(at(window.key_end, area.left(), area.width()), at(window.query_end, area.top(), area.height())));
  box = box.intersected(area);
  const QSizeF more(std::max(0.0, kSmallestBox - box.width()) / 2, std::max(0.0, kSmallestBox - box.height()) / 2);
  return box.adjusted(-more.width(), -more.height(), more.width(), more.height());
}

void MapOverview::draw() {
  m_stale = false;
  const double ratio = devicePixelRatioF();
  const QSize size = (mapArea().size() * ratio).toSize();
  m_image = QImage(size, QImage::Format_RGB32);
  if (m_image.isNull()) return;
  const MapPicture& picture = m_view->picture();
  const MapValues values = mapValues(picture, scale(), {0, 0, size.width(), size.height()});
  m_complete = values.complete;
  colourValues(picture, m_view->map().colours(), values, reinterpret_cast<std::uint32_t*>(m_image.bits()),
               static_cast<std::size_t>(m_image.bytesPerLine()) / sizeof(std::uint32_t));
  requestTiles();
}

// The level of the overview: a few tiles, behind those of the view.
void MapOverview::requestTiles() {
  const MapPicture& picture = m_view->picture();
  std::vector<TileKey> wanted;
  const TilePyramid pyramid = picture.a.source->pyramid(picture.a.layer);
  if (!pyramid.empty()) {
    const auto last = static_cast<double>(pyramid.tokens);
    for (const TilePlace place : tilesIn(pyramid, levelFor(pyramid, scale()), {0, last, 0, last}))
      if (!picture.a.source->find(picture.a.key(place))) wanted.push_back(picture.a.key(place));
  }
  if (m_subscriptions.empty()) m_subscriptions.push_back(picture.a.source->subscribe());
  m_subscriptions.front().request(std::move(wanted), Urgency::Background);
}

void MapOverview::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  if (m_source == nullptr || tokens() == 0) return;
  const ThemeColours& colours = themeColours(m_view->theme());
  if (m_stale) draw();
  painter.drawImage(mapArea(), m_image);
  painter.setPen(toColour(colours.muted));
  painter.drawRect(mapArea().adjusted(-1, -1, 0, 0));
  const QRectF seen = box();
  for (const auto& [colour, width] : {std::pair{QColor(255, 255, 255, 220), 4}, std::pair{toColour(kBox), 2}}) {
    painter.setPen(QPen(colour, width));
    painter.drawRect(seen.adjusted(0.5, 0.5, -0.5, -0.5));
  }
}

void MapOverview::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  m_stale = true;
}

void MapOverview::moveTo(const QPointF& pixel) {
  const QRectF area = mapArea();
  const TokenWindow window = m_view->window();
  const double key = (pixel.x() - area.left()) / area.width() * tokens();
  const double query = (pixel.y() - area.top()) / area.height() * tokens();
  m_view->setWindow(
      moved(window, key - (window.key_begin + window.key_end) / 2, query - (window.query_begin + window.query_end) / 2),
      MapView::Step::Gesture);
}

void MapOverview::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || tokens() == 0) return;
  const QRectF seen = box();
  m_grip = seen.contains(event->position()) ? event->position() - seen.center() : QPointF();
  if (m_grip.isNull()) moveTo(event->position());
}

void MapOverview::mouseMoveEvent(QMouseEvent* event) {
  if (event->buttons().testFlag(Qt::LeftButton) && tokens() > 0) moveTo(event->position() - m_grip);
}

void MapOverview::mouseReleaseEvent(QMouseEvent*) {
  if (m_view) m_view->endGesture();
}

void MapOverview::wheelEvent(QWheelEvent* event) {
  event->accept();
  if (tokens() == 0) return;
  const TokenWindow now = m_view->window();
  m_view->setWindow(zoomed(now, std::pow(kZoomPerNotch, event->angleDelta().y() / kNotch),
                           (now.key_begin + now.key_end) / 2, (now.query_begin + now.query_end) / 2),
                    MapView::Step::Gesture);
}

}  // namespace kvatlas::views
