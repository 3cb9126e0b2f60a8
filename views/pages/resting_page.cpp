#include "views/pages/resting_page.h"

#include <QEvent>

namespace kvatlas::views {

RestingPage::RestingPage(QWidget* parent) : QWidget(parent) {
  m_timer.setSingleShot(true);
  m_timer.setInterval(0);
  connect(&m_timer, &QTimer::timeout, this, [this] {
    if (seen()) updateNow();
  });
}

void RestingPage::refill() {
  m_stale = true;
  if (seen()) m_timer.start();
}

void RestingPage::followIfSeen() {
  if (seen() && !m_stale)
    follow();
  else
    refill();
}

void RestingPage::updateNow() {
  m_stale = false;
  fill();
}

void RestingPage::setSeen(bool seen) {
  m_seen = seen;
  if (seen && m_stale) m_timer.start();
}

void RestingPage::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (m_stale) m_timer.start();  // pages that are shown only while others come up stay as they are
}

void RestingPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() != QEvent::PaletteChange) return;
  applyTheme();
  refill();
}

}  // namespace kvatlas::views
