#include "views/plots/map/map_plottable.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "views/models/map/code_table.h"
#include "views/models/map/map_table.h"
#include "views/plots/canvas.h"
#include "views/plots/map/map_badge.h"

namespace kvatlas::views {
namespace {

constexpr int kSpanPen = 3;
constexpr int kRefreshMilliseconds = 8;  // batches tiles that arrive together

std::int64_t floorDivide(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

bool isRaster(const QPainter& painter) {
  const int type = painter.device()->devType();
  return type == QInternal::Image || type == QInternal::Pixmap || type == QInternal::Widget;
}

}  // namespace

MapPlottable::MapPlottable(QCPAxis* keys, QCPAxis* queries) : QCPAbstractPlottable(keys, queries) {
  setPen(Qt::NoPen);
  setAntialiased(false);  // antialiasing shifts the painter by half a pixel and blurs pixels
  m_request_timer.setSingleShot(true);
  m_refresh.setSingleShot(true);
  m_refresh.setInterval(kRefreshMilliseconds);
  connect(&m_request_timer, &QTimer::timeout, this, &MapPlottable::requestTiles);
  connect(&m_refresh, &QTimer::timeout, this, [this] { mParentPlot->replot(QCustomPlot::rpQueuedReplot); });
}

void MapPlottable::setPicture(const MapPicture& picture) {
  for (const QMetaObject::Connection& connection : m_connections) disconnect(connection);
  m_connections.clear();
  m_blocks.setPicture(picture);
  connectSource(picture.a.source);
  if (picture.b && picture.b->source != picture.a.source) connectSource(picture.b->source);
}

void MapPlottable::connectSource(TileSource* source) {
  if (source == nullptr) return;
  m_connections.push_back(connect(source, &TileSource::arrived, this, &MapPlottable::tileArrived));
  m_connections.push_back(connect(source, &TileSource::changed, this, [this] {
    m_blocks.clear();
    m_refresh.start();
  }));
  m_connections.push_back(connect(source, &QObject::destroyed, this, [this] { setPicture({}); }));
}

void MapPlottable::setColours(const ColourSettings& settings, Theme theme, ShadeColours shades) {
  m_theme = theme;
  m_shades = shades;
  m_skip_keys = settings.skip_keys;
  m_blocks.setColours(MapColours(settings, theme, shades));
}

std::vector<const MapSide*> MapPlottable::sides() const {
  std::vector<const MapSide*> result;
  for (const bool second : {false, true})
    if (picture().shows(second)) result.push_back(second ? &*picture().b : &picture().a);
  return result;
}

TokenWindow MapPlottable::window() const {
  const QCPRange keys = mKeyAxis->range(), queries = mValueAxis->range();
  return {keys.lower, keys.upper, queries.lower, queries.upper};
}

std::uint64_t MapPlottable::tokens() const {
  const MapSide& side = picture().a;
  return side.source == nullptr ? 0 : side.source->pyramid(side.layer).tokens;
}

MapPlottable::Raster MapPlottable::raster(double device_ratio) const {
  const QRectF area = mKeyAxis->axisRect()->rect();
  const TokenWindow shown = window();
  Raster result;
  result.corner = QPoint(qRound(area.left() * device_ratio), qRound(area.top() * device_ratio));
  // A small window leaves the map no room, or less than none.
  result.view.width = std::max(qRound((area.left() + area.width()) * device_ratio) - result.corner.x(), 1);
  result.view.height = std::max(qRound((area.top() + area.height()) * device_ratio) - result.corner.y(), 1);
  result.scale = {result.view.width / shown.keys(), result.view.height / shown.queries()};
  result.view.x = std::llround(shown.key_begin * result.scale.x);
  result.view.y = std::llround(shown.query_begin * result.scale.y);
  return result;
}

double MapPlottable::tokensPerPixel() const {
  const double ratio = mParentPlot->bufferDevicePixelRatio();
  return window().keys() / (std::max(mKeyAxis->axisRect()->width(), 1) * ratio);
}

std::uint64_t MapPlottable::cell() const {
  const MapSide& side = picture().a;
  const TilePyramid pyramid = side.source == nullptr ? TilePyramid{} : side.source->pyramid(side.layer);
  if (pyramid.empty()) return 1;
  return pyramid.cells[levelFor(pyramid, raster(mParentPlot->bufferDevicePixelRatio()).scale)];
}

void MapPlottable::draw(QCPPainter* painter) {
  if (tokens() == 0) return;
  painter->save();
  painter->setRenderHint(QPainter::SmoothPixmapTransform, false);
  painter->setAntialiasing(false);  // also undoes QCustomPlot's half-pixel shift for antialiasing
  const double screen_ratio = mParentPlot->bufferDevicePixelRatio();
  const bool on_screen = isRaster(*painter) && painter->transform().isIdentity() &&
                         qFuzzyCompare(painter->device()->devicePixelRatioF(), screen_ratio);
  if (on_screen)
    drawBlocks(painter, raster(screen_ratio), screen_ratio);
  else
    drawWhole(painter, raster(screen_ratio));
  painter->restore();
  if (colours().evictionStyle() == EvictionStyle::Edge) drawEvictionEdge(painter);
  drawSpans(painter);
  if (m_badge) {
    painter->setFont(mParentPlot->font());
    const QRect area = mKeyAxis->axisRect()->rect();
    const double end = mKeyAxis->coordToPixel(static_cast<double>(tokens()));
    const int left = static_cast<int>(std::clamp<double>(std::ceil(end), area.left(), area.right()));
    drawBadge(*painter, area, QRect(QPoint(left, area.top()), area.bottomRight()),
              badgeOf(picture(), detailText(), m_shades, colours().evictionStyle()), m_theme);
  }
  if (on_screen) m_request_timer.start(0);
}

void MapPlottable::drawBlocks(QCPPainter* painter, const Raster& raster, double device_ratio) {
  m_blocks.setScale(raster.scale);
  m_blocks.keepNear(raster.view);
  const std::int64_t side = MapBlocks::kSide;
  const std::int64_t right = raster.view.x + raster.view.width, bottom = raster.view.y + raster.view.height;
  for (std::int64_t row = floorDivide(raster.view.y, side); row * side < bottom; ++row) {
    for (std::int64_t column = floorDivide(raster.view.x, side); column * side < right; ++column) {
      const QImage& image = m_blocks.image(column, row);
      const QPointF device(static_cast<double>(raster.corner.x() + column * side - raster.view.x),
                           static_cast<double>(raster.corner.y() + row * side - raster.view.y));
      const double size = static_cast<double>(side) / device_ratio;
      painter->drawImage(QRectF(device / device_ratio, QSizeF(size, size)), image, QRectF(image.rect()));
    }
  }
}

// For files and printers: the pixels of the screen, scaled by the device.
void MapPlottable::drawWhole(QCPPainter* painter, const Raster& raster) {
  const MapValues values = mapValues(picture(), raster.scale, raster.view);
  QImage image(raster.view.width, raster.view.height, QImage::Format_RGB32);
  if (image.isNull()) return;
  colourValues(picture(), colours(), values, reinterpret_cast<std::uint32_t*>(image.bits()),
               static_cast<std::size_t>(image.bytesPerLine()) / sizeof(std::uint32_t));
  painter->drawImage(QRectF(mKeyAxis->axisRect()->rect()), image, QRectF(image.rect()));
}

// A band along the top: evicted columns in the colour of evicted tokens, kept ones in ink.
void MapPlottable::drawEvictionEdge(QCPPainter* painter) const {
  const MapSide& side = picture().mode == PictureSides::OnlyB && picture().b ? *picture().b : picture().a;
  if (!side.kept) return;
  constexpr int kBand = 7;
  painter->setAntialiasing(false);
  const QRect area = mKeyAxis->axisRect()->rect();
  const TokenWindow shown = window();
  const double per_pixel = shown.keys() / area.width();
  const auto last = static_cast<double>(tokens());
  const ThemeColours& theme = themeColours(m_theme);
  for (int x = 0; x < area.width(); ++x) {
    const double begin = shown.key_begin + x * per_pixel, end = std::max(begin + per_pixel, std::floor(begin) + 1);
    if (begin < 0 || begin >= last) continue;
    const bool kept =
        side.kept->count(static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(std::min(end, last))) > 0;
    painter->fillRect(QRect(area.left() + x, area.top(), 1, kBand), toColour(kept ? theme.ink : theme.evicted));
  }
}

// The column of a span's keys from its own queries down, and the triangle of its self-attention. Fills rectangles:
// stroked lines are ten times slower, and at a close zoom they are a million pixels long.
void MapPlottable::drawSpans(QCPPainter* painter) const {
  painter->setAntialiasing(false);
  const TokenWindow shown = window();
  const double all = static_cast<double>(tokens());
  const QRect area = mKeyAxis->axisRect()->rect();
  const auto place = [](double token, double begin, double length, int from, int pixels) {
    const double at = from + (token - begin) / length * pixels;
    return static_cast<int>(std::lround(std::clamp(at, from - kSpanPen - 1.0, from + pixels + kSpanPen + 1.0)));
  };
  const auto x = [&](double token) { return place(token, shown.key_begin, shown.keys(), area.left(), area.width()); };
  const auto y = [&](double token) {
    return place(token, shown.query_begin, shown.queries(), area.top(), area.height());
  };
  const QColor dark(0, 0, 0, 150), bright = m_theme == Theme::Light ? QColor(255, 255, 255) : QColor(235, 235, 235);
  for (const trace::Span& span : m_spans) {
    const double begin = span.begin, end = span.end;
    if (end <= begin || begin > shown.key_end || end < shown.key_begin) continue;
    const int left = x(begin), right = x(end), top = y(begin), base = y(end), bottom = y(all);
    const std::array<QRect, 4> lines = {QRect(left, top, 1, bottom - top), QRect(right, top, 1, bottom - top),
                                        QRect(left, top, right - left + 1, 1), QRect(left, base, right - left + 1, 1)};
    const int around = kSpanPen / 2;
    for (const QRect& line : lines) painter->fillRect(line.adjusted(-around, -around, around, around), dark);
    for (const QRect& line : lines) painter->fillRect(line, bright);
  }
}

void MapPlottable::tileArrived(const TileKey& key) {
  for (const MapSide* side : sides()) {
    if (key.layer != side->layer || key.head != side->head || key.reduction != side->reduction) continue;
    const TilePyramid pyramid = side->source->pyramid(side->layer);
    if (key.level >= pyramid.cells.size()) continue;
    const double step = static_cast<double>(pyramid.cells[key.level] * kTileSide);
    m_blocks.dropIncomplete({key.column * step, (key.column + 1) * step, key.row * step, (key.row + 1) * step});
    if (!m_refresh.isActive()) m_refresh.start();
  }
}

std::vector<TileKey> MapPlottable::missing(const MapSide& side) const {
  std::vector<TileKey> wanted;
  const TilePyramid pyramid = side.source->pyramid(side.layer);
  if (pyramid.empty()) return wanted;
  TokenWindow shown = window();
  const std::size_t level = levelFor(pyramid, raster(mParentPlot->bufferDevicePixelRatio()).scale);
  const auto add = [&](std::size_t at, const TokenWindow& where) {
    for (const TilePlace place : tilesIn(pyramid, at, where)) {
      const TileKey key = side.key(place);
      if (!side.source->find(key) && std::find(wanted.begin(), wanted.end(), key) == wanted.end())
        wanted.push_back(key);
    }
  };
  const auto addMirrored = [&](std::size_t at) {
    if (picture().mode != PictureSides::Split) return add(at, shown);
    add(at, {shown.query_begin, shown.query_end, shown.key_begin, shown.key_end});
    add(at, shown);
  };
  addMirrored(pyramid.cells.size() - 1);  // the overview, a few tiles, avoids blank areas
  addMirrored(level);
  const double margin = static_cast<double>(pyramid.cells[level] * kTileSide) / 2;  // prefetch for panning
  shown = {shown.key_begin - margin, shown.key_end + margin, shown.query_begin - margin, shown.query_end + margin};
  if (level >= pyramid.exact_levels) addMirrored(level);
  return wanted;
}

TileSubscription& MapPlottable::subscriptionTo(TileSource& source) {
  const auto known = std::ranges::find(m_subscriptions, &source, &TileSubscription::source);
  return known != m_subscriptions.end() ? *known : m_subscriptions.emplace_back(source.subscribe());
}

void MapPlottable::requestTiles() {
  std::vector<std::pair<TileSource*, std::vector<TileKey>>> wanted;  // both sides may share a source
  for (const MapSide* side : sides()) {
    if (side->source == nullptr) continue;
    std::vector<TileKey> more = missing(*side);
    const auto known = std::ranges::find(wanted, side->source, &decltype(wanted)::value_type::first);
    if (known == wanted.end())
      wanted.emplace_back(side->source, std::move(more));
    else
      known->second.insert(known->second.end(), more.begin(), more.end());
  }
  std::erase_if(m_subscriptions, [&](const TileSubscription& before) {
    return std::ranges::find(wanted, before.source(), &decltype(wanted)::value_type::first) == wanted.end();
  });
  for (auto& [source, keys] : wanted) subscriptionTo(*source).request(std::move(keys));
  emit drawn();
}

bool MapPlottable::settled() const {
  for (const MapSide* side : sides()) {
    if (side->source == nullptr) continue;
    const TilePyramid pyramid = side->source->pyramid(side->layer);
    if (pyramid.empty()) continue;
    const TokenWindow shown = window();
    const std::size_t level = levelFor(pyramid, raster(mParentPlot->bufferDevicePixelRatio()).scale);
    const auto here = [&](const TokenWindow& where) {
      const std::vector<TilePlace> places = tilesIn(pyramid, level, where);
      return std::all_of(places.begin(), places.end(),
                         [&](TilePlace place) { return side->source->find(side->key(place)) != nullptr; });
    };
    if (!here(shown)) return false;
    if (picture().mode == PictureSides::Split &&
        !here({shown.query_begin, shown.query_end, shown.key_begin, shown.key_end}))
      return false;
  }
  return !m_refresh.isActive();
}

MapReading MapPlottable::read(bool second, TokenIndex query, TokenIndex key) const {
  const MapSide& side = second && picture().b ? *picture().b : picture().a;
  if (side.source == nullptr) return {};
  const TilePyramid pyramid = side.source->pyramid(side.layer);
  if (query >= pyramid.tokens || key >= pyramid.tokens) return {};
  if (!pyramid.visible(query, query + 1, key, key + 1)) return {kMaskedPixel, 0, 0};
  if (pyramid.empty()) return {kNotCapturedPixel, 0, 0};
  for (std::size_t level = 0; level < pyramid.cells.size(); ++level) {
    const std::uint64_t cell = pyramid.cells[level], row = query / cell, column = key / cell;
    const TilePointer tile =
        side.source->find(side.key({static_cast<std::uint32_t>(level), static_cast<std::uint32_t>(row / kTileSide),
                                    static_cast<std::uint32_t>(column / kTileSide)}));
    if (!tile) continue;
    if (tile->state == Tile::State::NotCaptured) return {kNotCapturedPixel, 0, cell};
    const std::uint16_t code = tile->codes[row % kTileSide * tile->columns + column % kTileSide];
    return {code, static_cast<double>(probabilityOfCode()[code]), cell};
  }
  return {kNotLoadedPixel, 0, 0};
}

std::string MapPlottable::table() const {
  return mapTable(picture(), window(), tokensPerPixel());
}

QString MapPlottable::detailText() const {
  const MapSide& side = picture().a;
  if (side.source == nullptr) return {};
  const TilePyramid pyramid = side.source->pyramid(side.layer);
  if (pyramid.tokens == 0) return {};
  if (pyramid.empty()) return tr("layer %1: no map captured").arg(side.layer.value);
  const std::size_t level = levelFor(pyramid, raster(mParentPlot->bufferDevicePixelRatio()).scale);
  const std::uint64_t cell = pyramid.cells[level];
  const QString reduction = side.reduction == trace::Reduction::Max ? tr("max") : tr("mean");
  if (cell == 1) {
    const QString exact = tr("1 cell = 1 token, exact");
    return tokensPerPixel() > 1 ? tr("%1; %2 per pixel").arg(exact, reduction) : exact;
  }
  QString text = tr("1 cell = %1 tokens, %2").arg(cell).arg(reduction);
  if (level < pyramid.exact_levels) return text + tr(", recomputed from queries and keys");
  if (level == pyramid.exact_levels && tokensPerPixel() * 1.5 < static_cast<double>(cell))
    text += level == 0 ? tr(" (maximum recorded resolution)") : tr(" (zoom in for exact)");
  return text;
}

CodeHistogram MapPlottable::visibleValues() const {
  return m_blocks.histogram(raster(mParentPlot->bufferDevicePixelRatio()).view, m_skip_keys);
}

QCPRange MapPlottable::getKeyRange(bool& found, QCP::SignDomain) const {
  found = tokens() > 0;
  return {0, static_cast<double>(tokens())};
}

QCPRange MapPlottable::getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const {
  found = tokens() > 0;
  return {0, static_cast<double>(tokens())};
}

}  // namespace kvatlas::views
