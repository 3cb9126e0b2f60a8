#include "app/explorer/window/help_finder.h"

#include <QApplication>
#include <QHelpEvent>
#include <QWhatsThis>
#include <QWidget>

#include "app/explorer/window/glossary.h"

namespace kvatlas::app {

HelpFinder::HelpFinder(QObject* parent) : QObject(parent) {
  QApplication::instance()->installEventFilter(this);
}

// Qt asks the innermost widget first; the text covers the widgets around it, so the first answer is final.
bool HelpFinder::eventFilter(QObject* watched, QEvent* event) {
  const bool asks = event->type() == QEvent::QueryWhatsThis, shows = event->type() == QEvent::WhatsThis;
  auto* widget = asks || shows ? qobject_cast<QWidget*>(watched) : nullptr;
  if (widget == nullptr) return QObject::eventFilter(watched, event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const QString text = helpOn(*widget, help->pos());
  if (text.isEmpty()) return QObject::eventFilter(watched, event);
  event->accept();
  if (shows) QWhatsThis::showText(help->globalPos(), text, widget);
  return true;
}

}  // namespace kvatlas::app
