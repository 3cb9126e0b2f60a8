#include "views/plots/map/map_cursor.h"

#include <algorithm>
#include <cmath>

#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kOffset = 14, kPadding = 5;
constexpr int kRoomy = 300;  // pixels: narrower maps show the brief form
constexpr int kPaperAlpha = 235;

}  // namespace

MapCursor::MapCursor(QCPAxisRect* map, const QString& layer) : QCPAbstractItem(map->parentPlot()), m_map(map) {
  setClipToAxisRect(false);
  setLayer(layer);
}

void MapCursor::setTracks(std::vector<QCPAxisRect*> along_keys, std::vector<QCPAxisRect*> along_queries) {
  m_along_keys = std::move(along_keys);
  m_along_queries = std::move(along_queries);
}

void MapCursor::draw(QCPPainter* painter) {
  painter->setAntialiasing(false);
  painter->setBrush(Qt::NoBrush);
  const QRect area = m_map->rect();
  const QPen dark(QColor(0, 0, 0, 190), 1), bright(QColor(255, 255, 255, 230), 1, Qt::DashLine);
  const auto line = [&](const QPointF& from, const QPointF& to) {
    for (const QPen& pen : {dark, bright}) {
      painter->setPen(pen);
      painter->drawLine(QLineF(from, to));
    }
  };
  if (m_cell) {
    // Integers: without antialiasing, QCustomPlot rounds a half up to the next pixel.
    const double x = std::floor(m_map->axis(QCPAxis::atBottom)->coordToPixel(m_cell->key + 0.5));
    const double y = std::floor(m_map->axis(QCPAxis::atLeft)->coordToPixel(m_cell->query + 0.5));
    const bool inside_x = x >= area.left() && x <= area.right(), inside_y = y >= area.top() && y <= area.bottom();
    if (inside_x) line({x, static_cast<double>(area.top())}, {x, static_cast<double>(area.bottom())});
    if (inside_y) line({static_cast<double>(area.left()), y}, {static_cast<double>(area.right()), y});
    for (const QCPAxisRect* track : m_along_keys)
      if (inside_x) line({x, static_cast<double>(track->top())}, {x, static_cast<double>(track->bottom())});
    for (const QCPAxisRect* track : m_along_queries)
      if (inside_y) line({static_cast<double>(track->left()), y}, {static_cast<double>(track->right()), y});
    if (inside_x && inside_y) drawReadout(*painter, {x, y});
  }
  if (m_box.isNull()) return;
  painter->setPen(dark);
  painter->setBrush(QColor(255, 255, 255, 40));
  painter->drawRect(m_box);
  painter->setBrush(Qt::NoBrush);
  painter->setPen(bright);
  painter->drawRect(m_box);
}

// The longest form that fits. Null: none does.
std::pair<QString, QRect> MapCursor::readoutIn(const QRect& area, const QFont& font) const {
  const QString whole = (m_readout.place + m_readout.value).join(QLatin1Char('\n'));
  for (const QString& text : {whole, m_readout.brief}) {
    if (text.isEmpty() || (text == whole && area.width() < kRoomy)) continue;
    QRect box = QFontMetrics(font).boundingRect(QRect(0, 0, area.width(), area.height()), 0, text);
    box.adjust(-kPadding, -kPadding, kPadding, kPadding);
    if (box.width() <= area.width() && box.height() <= area.height()) return {text, box};
  }
  return {};
}

// Beside the crosshair, on the side with room.
void MapCursor::drawReadout(QCPPainter& painter, const QPointF& at) const {
  const QRect area = m_map->rect();
  painter.setFont(parentPlot()->font());
  auto [text, box] = readoutIn(area, painter.font());
  if (text.isEmpty()) return;
  const int x = qRound(at.x()), y = qRound(at.y());
  box.moveTopLeft({x + kOffset + box.width() <= area.right() ? x + kOffset : x - kOffset - box.width(),
                   y + kOffset + box.height() <= area.bottom() ? y + kOffset : y - kOffset - box.height()});
  box.moveTopLeft({std::clamp(box.left(), area.left(), area.right() - box.width() + 1),
                   std::clamp(box.top(), area.top(), area.bottom() - box.height() + 1)});
  const ThemeColours& colours = themeColours(m_theme);
  QColor paper = toColour(colours.paper);
  paper.setAlpha(kPaperAlpha);
  painter.fillRect(box, paper);
  painter.setPen(toColour(colours.muted));
  painter.drawRect(box.adjusted(0, 0, -1, -1));
  painter.setPen(toColour(colours.ink));
  painter.drawText(box.adjusted(kPadding, kPadding, 0, 0), 0, text);
}

}  // namespace kvatlas::views
