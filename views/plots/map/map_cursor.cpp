#include "views/plots/map/map_cursor.h"

#include <cmath>

#include "views/plots/canvas.h"

namespace kvatlas::views {

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
  }
  if (m_box.isNull()) return;
  painter->setPen(dark);
  painter->setBrush(QColor(255, 255, 255, 40));
  painter->drawRect(m_box);
  painter->setBrush(Qt::NoBrush);
  painter->setPen(bright);
  painter->drawRect(m_box);
}

}  // namespace kvatlas::views
