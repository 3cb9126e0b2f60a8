#include "views/plots/map/track.h"

#include <algorithm>
#include <cmath>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kEndsSize = 9;  // pixels

}  // namespace

Track::Track(QCPAxis* tokens, QCPAxis* other) : QCPAbstractPlottable(tokens, other) {}

QCPRange Track::getKeyRange(bool& found, QCP::SignDomain) const {
  found = m_tokens > 0;
  return {0, static_cast<double>(m_tokens)};
}

QCPRange Track::getValueRange(bool& found, QCP::SignDomain, const QCPRange&) const {
  found = false;
  return {};
}

QRect Track::clipRect() const {
  const QCPAxisRect* rect = mKeyAxis->axisRect();
  const bool vertical = mKeyAxis->orientation() == Qt::Vertical;
  if (vertical) return rect->rect().adjusted(0, -rect->margins().top() - 20, 0, rect->margins().bottom());
  return rect->rect().adjusted(-rect->margins().left(), 0, 0, 0);
}

int Track::titleWidth() const {
  return QFontMetrics(mParentPlot->font()).horizontalAdvance(m_title);
}

void Track::drawTitle(QCPPainter* painter) const {
  if (m_title.isEmpty()) return;
  const QRect area = mKeyAxis->axisRect()->rect(), all = clipRect();
  QFont font = mParentPlot->font();
  const bool vertical = mKeyAxis->orientation() == Qt::Vertical;
  if (!vertical && area.height() < QFontMetrics(font).height())
    font.setPixelSize(std::max(area.height() * 3 / 4, 7));  // line height = 4/3 font size
  if (vertical && titleWidth() > area.width())
    font.setPixelSize(std::max(QFontInfo(font).pixelSize() * area.width() / titleWidth(), 7));
  painter->setFont(font);
  painter->setPen(toColour(colours().ink));
  const QRect room = vertical ? QRect(area.left(), area.top() - 18, area.width(), 16)
                              : QRect(all.left() + 2, area.top(), area.left() - all.left() - 8, area.height());
  const QString text = QFontMetrics(font).elidedText(m_title, Qt::ElideRight, room.width());
  painter->drawText(room, (vertical ? Qt::AlignHCenter : Qt::AlignRight) | Qt::AlignVCenter | Qt::TextDontClip, text);
}

void Track::drawEnds(QCPPainter* painter, const QString& near, const QString& far) const {
  const QRect area = mKeyAxis->axisRect()->rect(), all = clipRect();
  QFont font = mParentPlot->font();
  font.setPixelSize(kEndsSize);
  painter->setFont(font);
  painter->setPen(toColour(colours().muted));
  if (mKeyAxis->orientation() == Qt::Vertical) {
    const QRect room(area.left(), area.bottom() + 3, area.width(), kEndsSize + 3);
    painter->drawText(room, Qt::AlignLeft | Qt::AlignTop | Qt::TextDontClip, near);
    painter->drawText(room, Qt::AlignRight | Qt::AlignTop | Qt::TextDontClip, far);
  } else {
    const QRect room(all.left(), area.top(), area.left() - all.left() - 4, area.height());
    painter->drawText(room, Qt::AlignRight | Qt::AlignTop | Qt::TextDontClip, far);
    painter->drawText(room, Qt::AlignRight | Qt::AlignBottom | Qt::TextDontClip, near);
  }
}

Track::Raster Track::raster() const {
  const double ratio = mParentPlot->bufferDevicePixelRatio();
  const QRectF area = mKeyAxis->axisRect()->rect();
  const bool vertical = mKeyAxis->orientation() == Qt::Vertical;
  const double from = vertical ? area.top() : area.left(), length = vertical ? area.height() : area.width();
  const auto first = static_cast<std::int64_t>(std::llround(from * ratio));
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(std::llround((from + length) * ratio) - first, 0));
  const QCPRange range = mKeyAxis->range();
  const double scale = static_cast<double>(count) / range.size();
  return {PixelAxis(std::llround(range.lower * scale), count, scale, m_tokens, m_cell), 1 / ratio,
          static_cast<double>(first) / ratio, area, vertical};
}

QRectF Track::Raster::bar(std::size_t first, std::size_t last, double from, double to) const {
  const double at = start + static_cast<double>(first) * pixel, length = static_cast<double>(last - first) * pixel;
  if (vertical) return {area.left() + from * area.width(), at, (to - from) * area.width(), length};
  return {at, area.bottom() - to * area.height(), length, (to - from) * area.height()};
}

void SeriesTrack::setSeries(PooledSeries series, const ValueScale& scale) {
  m_series = std::move(series);
  m_scale = scale;
  setTokens(m_series.size());
}

void SeriesTrack::draw(QCPPainter* painter) {
  drawTitle(painter);
  if (m_series.size() == 0) return;
  drawEnds(painter, QString::number(m_scale.low, 'g', 2), QString::number(m_scale.high, 'g', 2));
  const Raster raster = this->raster();
  QVector<QRectF> bars;
  for (std::size_t i = raster.axis.first; i < raster.axis.last; ++i) {
    const float value = m_series.largest(raster.axis.tokens[i].begin, raster.axis.tokens[i].end);
    if (!(value > 0)) continue;
    const double height = std::max(m_scale.position(static_cast<double>(value)), 0.02);
    bars.push_back(raster.bar(i, i + 1, 0, height));
  }
  painter->setAntialiasing(false);
  painter->setPen(Qt::NoPen);
  painter->setBrush(toColour(colours().muted));
  painter->drawRects(bars);
}

void KeptTrack::setStrip(StripPointer strip) {
  m_strip = std::move(strip);
  setTokens(m_strip ? m_strip->tokens() : 0);
}

QColor KeptTrack::colourOf(std::uint64_t begin, std::uint64_t end) const {
  end = std::min<std::uint64_t>(end, tokens());
  if (begin >= end) return {};
  const double share = m_strip->share(begin, end);
  if (!(share > 0)) return {};
  const Rgb colour = m_strip->colour();
  const Rgb why = m_strip->holdsSink(begin, end)  ? mix(colour, colours().ink, 0.5)
                  : m_strip->isWindow(begin, end) ? mix(colour, colours().paper, 0.45)
                                                  : colour;
  return toColour(mix(colours().evicted, why, 0.4 + 0.6 * std::sqrt(std::min(share, 1.0))));
}

void KeptTrack::draw(QCPPainter* painter) {
  drawTitle(painter);
  const Raster raster = this->raster();
  painter->setAntialiasing(false);
  painter->setPen(Qt::NoPen);
  const QColor evicted = toColour(colours().evicted);
  // Merges neighbours of one colour into one rectangle.
  for (std::size_t i = raster.axis.first; i < raster.axis.last;) {
    const auto colour = [&](std::size_t at) {
      const QColor kept = colourOf(raster.axis.tokens[at].begin, raster.axis.tokens[at].end);
      return kept.isValid() ? kept : evicted;
    };
    const QColor own = colour(i);
    std::size_t end = i + 1;
    while (end < raster.axis.last && colour(end) == own) ++end;
    painter->fillRect(raster.bar(i, end, 0, 1), own);
    i = end;
  }
}

void SpanTrack::draw(QCPPainter* painter) {
  drawTitle(painter);
  const Raster raster = this->raster();
  const QCPRange range = mKeyAxis->range();
  const auto place = [&](double token) {
    return raster.area.left() + (token - range.lower) / range.size() * raster.area.width();
  };
  painter->setAntialiasing(false);
  painter->setPen(QPen(toColour(colours().ink), 1));
  painter->setFont(mParentPlot->font());
  const QFontMetricsF metrics(painter->font());
  const double top = raster.area.bottom() - 4;
  for (const trace::Span& span : m_spans) {
    const double left = std::max(place(span.begin), raster.area.left() - 2);
    const double right = std::min(place(span.end), raster.area.right() + 2);
    if (span.end <= span.begin || right < raster.area.left() || left > raster.area.right()) continue;
    painter->drawPolyline(
        QPolygonF({QPointF(left, top + 3), QPointF(left, top), QPointF(right, top), QPointF(right, top + 3)}));
    const QString name = QString::fromStdString(span.name);
    const double half = metrics.horizontalAdvance(name) / 2, middle = (left + right) / 2;
    // Near an end, shifts the name so that it stays inside the track.
    const double least = raster.area.left() + half, most = raster.area.right() - half;
    const double centre = least < most ? std::clamp(middle, least, most) : middle;
    // Draws the name of a narrow span only if there are few spans.
    if (right - left >= 2 * half || m_spans.size() <= 4)
      painter->drawText(QRectF(centre - half - 2, raster.area.top(), 2 * half + 4, raster.area.height() - 4),
                        Qt::AlignHCenter | Qt::AlignBottom, name);
  }
}

}  // namespace kvatlas::views
