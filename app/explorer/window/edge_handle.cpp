#include "app/explorer/window/edge_handle.h"

#include <QPainter>
#include <QStyleOption>

namespace kvatlas::app {
namespace {

constexpr int kThickness = 11;

}  // namespace

EdgeHandle::EdgeHandle(Qt::DockWidgetArea area, QWidget* parent) : QToolButton(parent), m_area(area) {
  setAutoRaise(true);
  setFocusPolicy(Qt::TabFocus);
  const bool below = area == Qt::BottomDockWidgetArea;
  setSizePolicy(below ? QSizePolicy::Expanding : QSizePolicy::Fixed,
                below ? QSizePolicy::Fixed : QSizePolicy::Expanding);
  setObjectName(below                            ? QStringLiteral("handleBottom")
                : area == Qt::LeftDockWidgetArea ? QStringLiteral("handleLeft")
                                                 : QStringLiteral("handleRight"));
  setFolded(false);
}

void EdgeHandle::setFolded(bool folded) {
  m_folded = folded;
  const QString side = m_area == Qt::BottomDockWidgetArea ? tr("below")
                       : m_area == Qt::LeftDockWidgetArea ? tr("on the left")
                                                          : tr("on the right");
  setToolTip(folded ? tr("Show the panels %1").arg(side) : tr("Fold the panels %1 away").arg(side));
  setAccessibleName(toolTip());
  update();
}

QSize EdgeHandle::sizeHint() const {
  return {kThickness, kThickness};
}

void EdgeHandle::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  if (underMouse() || hasFocus()) painter.fillRect(rect(), palette().color(QPalette::Midlight));
  QStyleOption arrow;
  arrow.initFrom(this);
  constexpr int kArrow = 9;
  arrow.rect = QRect(rect().center() - QPoint(kArrow / 2, kArrow / 2), QSize(kArrow, kArrow));
  const bool outwards = !m_folded;
  QStyle::PrimitiveElement element = outwards ? QStyle::PE_IndicatorArrowDown : QStyle::PE_IndicatorArrowUp;
  if (m_area == Qt::LeftDockWidgetArea)
    element = outwards ? QStyle::PE_IndicatorArrowLeft : QStyle::PE_IndicatorArrowRight;
  if (m_area == Qt::RightDockWidgetArea)
    element = outwards ? QStyle::PE_IndicatorArrowRight : QStyle::PE_IndicatorArrowLeft;
  style()->drawPrimitive(element, &arrow, &painter, this);
  if (!hasFocus()) return;
  QStyleOptionFocusRect focus;
  focus.initFrom(this);
  style()->drawPrimitive(QStyle::PE_FrameFocusRect, &focus, &painter, this);
}

}  // namespace kvatlas::app
