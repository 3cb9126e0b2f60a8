#include "views/pages/charts/key_plot.h"

#include <QAccessible>
#include <QKeyEvent>
#include <QPainter>
#include <QToolTip>

namespace kvatlas::views {
namespace {

constexpr double kRing = 6;  // pixels, radius of the mark around the point

}  // namespace

KeyPlot::KeyPlot(QWidget* parent) : QCustomPlot(parent) {
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
}

void KeyPlot::tell(const QString& words, const QPoint& global) {
  QToolTip::showText(global, words, this);
  if (words.isEmpty() || words == accessibleDescription()) return;
  setAccessibleDescription(words);
  QAccessibleEvent event(this, QAccessible::DescriptionChanged);
  QAccessible::updateAccessibility(&event);
}

void KeyPlot::keyPressEvent(QKeyEvent* event) {
  const bool fine = event->modifiers().testFlag(Qt::ShiftModifier);
  switch (event->key()) {
    case Qt::Key_Left:
      return step({.across = -1, .fine = fine});
    case Qt::Key_Right:
      return step({.across = 1, .fine = fine});
    case Qt::Key_Up:
      return step({.down = -1, .fine = fine});
    case Qt::Key_Down:
      return step({.down = 1, .fine = fine});
    case Qt::Key_PageUp:
      return step({.across = -1, .large = true});
    case Qt::Key_PageDown:
      return step({.across = 1, .large = true});
    case Qt::Key_Home:
      return stepToEnd(false);
    case Qt::Key_End:
      return stepToEnd(true);
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
      return pick();
    default:
      QCustomPlot::keyPressEvent(event);
  }
}

// Points at once to where the arrow keys start.
void KeyPlot::focusInEvent(QFocusEvent* event) {
  QCustomPlot::focusInEvent(event);
  if (event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason) step({});
  update();
}

void KeyPlot::focusOutEvent(QFocusEvent* event) {
  QCustomPlot::focusOutEvent(event);
  QToolTip::hideText();
  update();
}

void KeyPlot::paintEvent(QPaintEvent* event) {
  QCustomPlot::paintEvent(event);
  const auto at = hasFocus() ? keyPoint() : std::nullopt;
  if (!at) return;
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(palette().color(QPalette::Base), 4));
  painter.drawEllipse(*at, kRing, kRing);
  painter.setPen(QPen(palette().color(QPalette::Text), 2));
  painter.drawEllipse(*at, kRing, kRing);
}

}  // namespace kvatlas::views
