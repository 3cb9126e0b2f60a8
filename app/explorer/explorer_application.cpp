#include "app/explorer/explorer_application.h"

#include <QThread>

#include "core/base/outcome.h"

namespace kvatlas::app {

bool ExplorerApplication::notify(QObject* receiver, QEvent* event) {
  if (QThread::currentThread() != thread()) return QApplication::notify(receiver, event);
  bool handled = false;
  const Outcome outcome = guarded([&] { handled = QApplication::notify(receiver, event); });
  if (outcome.exit_code == 0 || outcome.message == m_last) return handled;
  m_last = outcome.message;
  // Not inside the handler that failed.
  QMetaObject::invokeMethod(
      this, [this, message = QString::fromStdString(firstLine(outcome.message))] { emit failed(message); },
      Qt::QueuedConnection);
  return false;
}

}  // namespace kvatlas::app
