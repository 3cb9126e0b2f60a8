#include "views/plots/map/map_gestures.h"

#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <cmath>

#include "views/plots/map/map_view.h"

namespace kvatlas::views {
namespace {

constexpr double kZoomPerNotch = 1.25, kNotch = 120, kMovePerNotch = 0.15;
constexpr double kDragDistance = 4;  // pixels; less is a click

QRect boxOf(const QPointF& a, const QPointF& b, const QRect& area) {
  return QRectF(a, b).normalized().toRect().intersected(area);
}

}  // namespace

MapGestures::MapGestures(MapView& view) : QObject(&view), m_view(view) {
  view.installEventFilter(this);
  view.setMouseTracking(true);
  view.setFocusPolicy(Qt::StrongFocus);
}

bool MapGestures::eventFilter(QObject*, QEvent* event) {
  switch (event->type()) {
    case QEvent::Wheel:
      return wheel(*static_cast<QWheelEvent*>(event));
    case QEvent::MouseButtonPress:
      return press(*static_cast<QMouseEvent*>(event));
    case QEvent::MouseMove:
      return move(*static_cast<QMouseEvent*>(event));
    case QEvent::MouseButtonRelease:
      return release(*static_cast<QMouseEvent*>(event));
    case QEvent::MouseButtonDblClick:
      m_drag = Drag::None;
      m_view.fit();
      return true;
    case QEvent::KeyPress:
      return key(*static_cast<QKeyEvent*>(event));
    case QEvent::Leave:
      m_view.setCursor(std::nullopt);
      emit m_view.cursorMoved(std::nullopt);
      return false;
    case QEvent::ContextMenu: {
      const auto& menu = *static_cast<QContextMenuEvent*>(event);
      if (const auto strip = m_view.stripAt(menu.pos())) {
        emit m_view.stripMenuWanted(*strip, menu.globalPos());
        return true;
      }
      emit m_view.menuWanted(menu.globalPos(), m_view.cellAt(menu.pos()));
      return true;
    }
    default:
      return false;
  }
}

bool MapGestures::wheel(QWheelEvent& event) {
  event.accept();
  // Some platforms make Alt+wheel horizontal.
  const QPoint angle = event.angleDelta();
  const double notches = (angle.y() != 0 ? angle.y() : angle.x()) / kNotch;
  if (m_view.stripAt(event.position().toPoint()) && m_view.scrollStrips(notches > 0 ? -1 : 1)) return true;
  const QPointF at = m_view.tokensAt(event.position());
  const TokenWindow window = m_view.window();
  const Qt::KeyboardModifiers keys = event.modifiers();
  const double factor = std::pow(kZoomPerNotch, notches);
  if (keys.testFlag(Qt::ShiftModifier)) {
    const double by = -notches * kMovePerNotch * std::min(window.keys(), window.queries());
    m_view.setWindow(moved(window, by, by), MapView::Step::Gesture);
  } else if (keys.testFlag(Qt::ControlModifier) || keys.testFlag(Qt::AltModifier)) {
    m_view.setWindow(zoomedAlongDiagonal(window, factor, at.x(), at.y()), MapView::Step::Gesture);
  } else {
    m_view.setWindow(zoomed(window, factor, at.x(), at.y()), MapView::Step::Gesture);
  }
  point(event.position());
  return true;
}

bool MapGestures::press(const QMouseEvent& event) {
  m_view.setFocus(Qt::MouseFocusReason);
  if (event.button() != Qt::LeftButton && event.button() != Qt::MiddleButton) return event.button() != Qt::RightButton;
  if (const auto strip = m_view.stripAt(event.position().toPoint())) {
    if (event.button() == Qt::LeftButton) emit m_view.stripClicked(*strip);
    return true;
  }
  m_drag = event.modifiers().testFlag(Qt::ShiftModifier) ? Drag::Box : Drag::Pan;
  m_start = event.position();
  m_from = m_view.window();
  m_moved = false;
  return true;
}

bool MapGestures::move(const QMouseEvent& event) {
  const QPointF way = event.position() - m_start;
  if (m_drag != Drag::None && !m_moved) m_moved = std::hypot(way.x(), way.y()) >= kDragDistance;
  if (m_drag == Drag::Pan && m_moved) {
    const MapFrame frame = m_view.frame();
    m_view.setWindow(moved(m_from, -way.x() * m_from.keys() / frame.width, -way.y() * m_from.queries() / frame.height),
                     MapView::Step::Gesture);
  }
  if (m_drag == Drag::None)
    if (const auto strip = m_view.stripAt(event.position().toPoint()))
      emit m_view.stripHovered(*strip, m_view.keyAt(event.position().x()), event.globalPosition().toPoint());
  if (m_drag == Drag::Box) m_view.setBox(boxOf(m_start, event.position(), m_view.mapRect().rect()));
  point(event.position());
  return true;
}

bool MapGestures::release(const QMouseEvent& event) {
  const Drag drag = m_drag;
  m_drag = Drag::None;
  if (drag == Drag::Box) {
    const QRect box = boxOf(m_start, event.position(), m_view.mapRect().rect());
    m_view.setBox({});
    if (box.width() < kDragDistance && box.height() < kDragDistance) return true;
    const QPointF a = m_view.tokensAt(box.topLeft()), b = m_view.tokensAt(QPointF(box.right() + 1, box.bottom() + 1));
    m_view.setWindow(boxed(a.x(), a.y(), b.x(), b.y(), m_view.frame()));
  } else if (drag == Drag::Pan && m_moved) {
    m_view.endGesture();
  } else if (drag == Drag::Pan) {
    if (const auto cell = m_view.cellAt(event.position())) emit m_view.clicked(*cell);
  }
  return true;
}

bool MapGestures::key(const QKeyEvent& event) {
  const bool alt = event.modifiers().testFlag(Qt::AltModifier);
  switch (event.key()) {
    case Qt::Key_Home:
      m_view.fit();
      return true;
    case Qt::Key_Backspace:
      m_view.goBack();
      return true;
    case Qt::Key_Left:
      alt ? m_view.goBack() : emit m_view.headStepped(-1);
      return true;
    case Qt::Key_Right:
      alt ? m_view.goForward() : emit m_view.headStepped(1);
      return true;
    case Qt::Key_Up:
      emit m_view.layerStepped(-1);
      return true;
    case Qt::Key_Down:
      emit m_view.layerStepped(1);
      return true;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      m_view.zoomIn();
      return true;
    case Qt::Key_Minus:
      m_view.zoomOut();
      return true;
    case Qt::Key_B:
      emit m_view.blinkWanted();
      return true;
    case Qt::Key_Escape:
      if (m_drag == Drag::None) return false;
      m_drag = Drag::None;
      m_view.setBox({});
      return true;
    default:
      return false;
  }
}

void MapGestures::point(const QPointF& at) {
  const std::optional<Cell> cell = m_view.cellAt(at);
  if (cell == m_view.cursor()) return;
  m_view.setCursor(cell);
  emit m_view.cursorMoved(cell);
}

}  // namespace kvatlas::views
