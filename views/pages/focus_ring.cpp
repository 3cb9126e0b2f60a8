#include "views/pages/focus_ring.h"

#include <qcustomplot.h>

#include <QAbstractScrollArea>
#include <QApplication>
#include <QFocusEvent>
#include <QPainter>

namespace kvatlas::views {
namespace {

constexpr int kWidth = 2;

class Ring : public QWidget {
 public:
  explicit Ring(QWidget* owner) : QWidget(owner) {
    setObjectName(QString::fromLatin1(kFocusRing));
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setFocusPolicy(Qt::NoFocus);
    fit();
    owner->installEventFilter(this);
    show();
    raise();
  }

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override {
    if (event->type() == QEvent::Resize) fit();
    return QWidget::eventFilter(watched, event);
  }
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.fillRect(rect(), palette().color(QPalette::Highlight));
  }

 private:
  // Only the ring itself: what it surrounds is drawn as before.
  void fit() {
    const QRect area = parentWidget()->rect();
    setGeometry(area);
    setMask(QRegion(area).subtracted(area.adjusted(kWidth, kWidth, -kWidth, -kWidth)));
  }
};

bool byKeyboard(Qt::FocusReason reason) {
  return reason == Qt::TabFocusReason || reason == Qt::BacktabFocusReason || reason == Qt::ShortcutFocusReason;
}

}  // namespace

FocusRing::FocusRing(QWidget& window) : QObject(&window), m_window(window) {
  qApp->installEventFilter(this);
}

QWidget* FocusRing::owner() const {
  return m_ring ? m_ring->parentWidget() : nullptr;
}

bool FocusRing::concerns(const QWidget& widget) const {
  if (qobject_cast<const QAbstractScrollArea*>(&widget) == nullptr &&
      qobject_cast<const QCustomPlot*>(&widget) == nullptr)
    return false;
  for (const QWidget* each = &widget; each != nullptr; each = each->parentWidget())
    if (each == &m_window) return true;
  return false;
}

bool FocusRing::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() != QEvent::FocusIn && event->type() != QEvent::FocusOut) return false;
  auto* widget = qobject_cast<QWidget*>(watched);
  if (widget == nullptr || !concerns(*widget)) return false;
  const Qt::FocusReason reason = static_cast<QFocusEvent*>(event)->reason();
  if (event->type() == QEvent::FocusOut) {
    if (owner() == widget && reason != Qt::ActiveWindowFocusReason && reason != Qt::PopupFocusReason) delete m_ring;
  } else if (byKeyboard(reason)) {
    delete m_ring;
    m_ring = new Ring(widget);
  }
  return false;
}

}  // namespace kvatlas::views
