#include "views/plots/map/layer_head_thumbnails.h"

#include <algorithm>
#include <cmath>

#include "views/models/contrast.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

QString nameOf(const MapSide& side, const QSize& pixels) {
  return QStringLiteral("%1 %2 %3 %4 %5")
      .arg(side.layer.value)
      .arg(static_cast<int>(side.head.kind))
      .arg(side.head.index)
      .arg(pixels.width())
      .arg(pixels.height());
}

}  // namespace

LayerHeadThumbnails::LayerHeadThumbnails(TileSource* source, QObject* parent)
    : QObject(parent), m_source(source), m_colours(ColourSettings{}, m_theme), m_table(colourTable("viridis")) {
  m_request_timer.setSingleShot(true);
  connect(&m_request_timer, &QTimer::timeout, this,
          [this] { m_subscription.request(m_requests, Urgency::Background); });
  if (source == nullptr) return;
  m_subscription = source->subscribe();
  connect(source, &TileSource::arrived, this, &LayerHeadThumbnails::tileArrived);
  connect(source, &TileSource::changed, this, &LayerHeadThumbnails::reset);
}

void LayerHeadThumbnails::setReduction(trace::Reduction reduction) {
  if (reduction == m_reduction) return;
  m_reduction = reduction;
  reset();
}

void LayerHeadThumbnails::setColours(const ColourSettings& settings, Theme theme) {
  m_theme = theme;
  m_table = colourTable(settings.table);
  m_colours = MapColours(settings, theme);
  m_pictures.clear();
  emit changed();
}

void LayerHeadThumbnails::forgetWishes() {
  m_requests.clear();
  m_request_timer.start(0);
}

void LayerHeadThumbnails::reset() {
  m_pictures.clear();
  m_requests.clear();
  emit changed();
}

LayerHeadThumbnails::Picture LayerHeadThumbnails::make(const MapSide& side, const QSize& pixels) {
  Picture picture{QImage(pixels, QImage::Format_RGB32), true};
  const TilePyramid pyramid = m_source->pyramid(side.layer);
  MapPicture map;
  map.a = side;
  const auto tokens = static_cast<double>(std::max<std::uint64_t>(pyramid.tokens, 1));
  const MapScale scale{pixels.width() / tokens, pixels.height() / tokens};
  const MapValues values = mapValues(map, scale, {0, 0, pixels.width(), pixels.height()});
  colourValues(map, m_colours, values, reinterpret_cast<std::uint32_t*>(picture.image.bits()),
               static_cast<std::size_t>(picture.image.bytesPerLine()) / sizeof(std::uint32_t));
  picture.complete = values.complete;
  if (values.complete || pyramid.empty()) return picture;
  const std::size_t level = levelFor(pyramid, scale);
  const double all = static_cast<double>(pyramid.tokens);
  for (const TilePlace place : tilesIn(pyramid, level, {0, all, 0, all})) {
    const TileKey key = side.key(place);
    if (!m_source->find(key) && std::find(m_requests.begin(), m_requests.end(), key) == m_requests.end())
      m_requests.push_back(key);
  }
  m_request_timer.start(0);
  return picture;
}

void LayerHeadThumbnails::paintMap(QPainter& painter, const QRect& area, LayerIndex layer, const HeadChoice& head) {
  if (!m_source) return;
  const double ratio = painter.device()->devicePixelRatioF();
  const QSize pixels = (QSizeF(area.size()) * ratio).toSize();
  if (pixels.isEmpty()) return;
  const MapSide shown{m_source, layer, head, m_reduction, nullptr};
  const QString name = nameOf(shown, pixels);
  const Picture* known = m_pictures.object(name);
  if (known == nullptr || !known->complete) {
    m_pictures.insert(name, new Picture(make(shown, pixels)));
    known = m_pictures.object(name);
  }
  if (known == nullptr) return;
  painter.drawImage(QRectF(area), known->image, QRectF(known->image.rect()));
}

void LayerHeadThumbnails::paintNumber(QPainter& painter, const QRect& area, double value, const ValueScale& scale,
                                      const QString& text) const {
  if (std::isnan(value)) {
    painter.fillRect(area, QBrush(toColour(themeColours(m_theme).not_captured_hatch), Qt::BDiagPattern));
    return;
  }
  const Rgb colour = m_table.at(scale.position(value));
  painter.fillRect(area, toColour(colour));
  painter.setPen(toColour(inkOn(colour)));
  painter.drawText(area, Qt::AlignCenter,
                   QFontMetrics(painter.font()).elidedText(text, Qt::ElideRight, area.width() - 2));
}

void LayerHeadThumbnails::tileArrived(const TileKey& key) {
  const auto wanted = std::find(m_requests.begin(), m_requests.end(), key);
  if (wanted == m_requests.end()) return;
  m_requests.erase(wanted);
  emit arrived(key.layer, key.head);
}

}  // namespace kvatlas::views
