#include "views/plots/map/layer_head_thumbnails.h"

#include <algorithm>
#include <cmath>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

QString nameOf(const MapSide& side, int pixels) {
  return QStringLiteral("%1 %2 %3 %4")
      .arg(side.layer.value)
      .arg(static_cast<int>(side.head.kind))
      .arg(side.head.index)
      .arg(pixels);
}

// Black or white, whichever can be read on a colour.
QColor inkOn(const QColor& colour) {
  const double light = 0.299 * colour.red() + 0.587 * colour.green() + 0.114 * colour.blue();
  return light > 140 ? QColor(Qt::black) : QColor(Qt::white);
}

}  // namespace

LayerHeadThumbnails::LayerHeadThumbnails(TileSource* source, QObject* parent)
    : QObject(parent), m_source(source), m_colours(ColourSettings{}, m_theme), m_table(colourTable("viridis")) {
  m_ask.setSingleShot(true);
  connect(&m_ask, &QTimer::timeout, this, [this] { m_subscription.want(m_wanted, Urgency::Background); });
  if (source == nullptr) return;
  m_subscription = source->subscribe();
  connect(source, &TileSource::arrived, this, &LayerHeadThumbnails::take);
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
  m_wanted.clear();
  m_ask.start(0);
}

void LayerHeadThumbnails::reset() {
  m_pictures.clear();
  m_wanted.clear();
  emit changed();
}

LayerHeadThumbnails::Picture LayerHeadThumbnails::make(const MapSide& side, int pixels) {
  Picture picture{QImage(pixels, pixels, QImage::Format_RGB32), true};
  const TilePyramid pyramid = m_source->pyramid(side.layer);
  MapPicture map;
  map.a = side;
  const double scale = pixels / static_cast<double>(std::max<std::uint64_t>(pyramid.tokens, 1));
  const MapValues values = mapValues(map, {scale, scale}, {0, 0, pixels, pixels});
  colourValues(map, m_colours, values, reinterpret_cast<std::uint32_t*>(picture.image.bits()),
               static_cast<std::size_t>(picture.image.bytesPerLine()) / sizeof(std::uint32_t));
  picture.complete = values.complete;
  if (values.complete || pyramid.empty()) return picture;
  const std::size_t level = levelFor(pyramid, {scale, scale});
  const double all = static_cast<double>(pyramid.tokens);
  for (const TilePlace place : tilesIn(pyramid, level, {0, all, 0, all})) {
    const TileKey key = side.key(place);
    if (!m_source->find(key) && std::find(m_wanted.begin(), m_wanted.end(), key) == m_wanted.end())
      m_wanted.push_back(key);
  }
  m_ask.start(0);
  return picture;
}

void LayerHeadThumbnails::paintMap(QPainter& painter, const QRect& area, LayerIndex layer, const HeadChoice& head) {
  if (!m_source) return;
  const double ratio = painter.device()->devicePixelRatioF();
  const int side = std::min(area.width(), area.height());
  const int pixels = static_cast<int>(std::lround(side * ratio));
  if (pixels < 1) return;
  const MapSide shown{m_source, layer, head, m_reduction, nullptr};
  const QString name = nameOf(shown, pixels);
  const Picture* known = m_pictures.object(name);
  if (known == nullptr || !known->complete) {
    m_pictures.insert(name, new Picture(make(shown, pixels)));
    known = m_pictures.object(name);
  }
  if (known == nullptr) return;
  const QRect square(area.left() + (area.width() - side) / 2, area.top() + (area.height() - side) / 2, side, side);
  painter.drawImage(QRectF(square), known->image, QRectF(known->image.rect()));
}

void LayerHeadThumbnails::paintNumber(QPainter& painter, const QRect& area, double value, const ValueScale& scale,
                                      const QString& text) const {
  if (std::isnan(value)) {
    painter.fillRect(area, QBrush(toColour(themeColours(m_theme).not_captured_hatch), Qt::BDiagPattern));
    return;
  }
  const QColor colour = toColour(m_table.at(scale.position(value)));
  painter.fillRect(area, colour);
  painter.setPen(inkOn(colour));
  painter.drawText(area, Qt::AlignCenter,
                   QFontMetrics(painter.font()).elidedText(text, Qt::ElideRight, area.width() - 2));
}

void LayerHeadThumbnails::take(const TileKey& key) {
  const auto wanted = std::find(m_wanted.begin(), m_wanted.end(), key);
  if (wanted == m_wanted.end()) return;
  m_wanted.erase(wanted);
  emit arrived(key.layer, key.head);
}

}  // namespace kvatlas::views
