// Handles mouse, wheel and keys on a map.
#pragma once

#include <QObject>
#include <QPoint>

#include "views/models/map/tile_pyramid.h"

class QContextMenuEvent;
class QKeyEvent;
class QMouseEvent;
class QWheelEvent;

namespace kvatlas::views {

class MapView;

// Wheel: zoom at the cursor; with Ctrl or Alt along the diagonal; with Shift: move along it. Drag: pan; with Shift:
// zoom to a box. Double click, Home: fit. Backspace, Alt+Left: back; Alt+Right: forward. Up/Down: layer; Left/Right:
// head; +/−: zoom; Escape: cancel the box; B: blink.
class MapGestures : public QObject {
  Q_OBJECT
 public:
  explicit MapGestures(MapView& view);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  bool wheel(QWheelEvent& event);
  bool press(const QMouseEvent& event);
  bool move(const QMouseEvent& event);
  bool release(const QMouseEvent& event);
  bool key(const QKeyEvent& event);
  void point(const QPointF& at);

  enum class Drag { None, Pan, Box };
  MapView& m_view;
  Drag m_drag = Drag::None;
  QPointF m_start;
  TokenWindow m_from;
  bool m_moved = false;
};

}  // namespace kvatlas::views
