// The whole map, small, with a box around what a map view shows. Dragging or clicking moves the view, the wheel zooms
// it.
#pragma once

#include <QImage>
#include <QPointer>
#include <QWidget>
#include <vector>

#include "views/plots/map/map_view.h"

namespace kvatlas::views {

class MapOverview : public QWidget {
  Q_OBJECT
 public:
  explicit MapOverview(QWidget* parent = nullptr);

  void setView(MapView* view);       // the map it shows and moves; null or destroyed: nothing
  [[nodiscard]] QRectF box() const;  // of the view's window, in pixels
  [[nodiscard]] QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;

 private:
  void refresh();
  void followSource();
  [[nodiscard]] double tokens() const;  // 0: nothing to show
  void draw();
  void requestTiles();
  void moveTo(const QPointF& pixel);
  [[nodiscard]] QRectF mapArea() const;  // pixels
  [[nodiscard]] MapScale scale() const;

  QPointer<MapView> m_view;
  QImage m_image;
  bool m_stale = true, m_complete = false;  // m_complete: the image needs no further tile
  std::vector<TileSubscription> m_subscriptions;
  std::vector<QMetaObject::Connection> m_connections;
  QPointer<TileSource> m_source;
  QPointF m_grip;  // where the box was taken, in pixels from its centre
};

}  // namespace kvatlas::views
