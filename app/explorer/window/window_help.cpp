#include "app/explorer/window/window_help.h"

#include <QMessageBox>

#include "app/explorer/window/window_actions.h"
#include "core/base/version.h"

namespace kvatlas::app {

void showKeys(QWidget& window, const WindowActions& actions) {
  QString rows;
  const auto add = [&rows](const QString& keys, const QString& text) {
    rows += QStringLiteral("<tr><td><b>%1</b>&nbsp;&nbsp;&nbsp;</td><td>%2</td></tr>").arg(keys, text);
  };
  add(QObject::tr("Wheel"), QObject::tr("zoom at the pointer"));
  add(QObject::tr("Ctrl + wheel, Shift + wheel"), QObject::tr("zoom, move along the diagonal"));
  add(QObject::tr("Drag, Shift + drag"), QObject::tr("pan, zoom to a box"));
  add(QObject::tr("Click, double click"), QObject::tr("hold the pair of tokens, whole map"));
  add(QObject::tr("Arrow keys on the map"), QObject::tr("layer up and down, head left and right"));
  add(QObject::tr("+, −, Home, Backspace"), QObject::tr("zoom in, out, whole map, the place before"));
  add(QObject::tr("B on the map"), QObject::tr("blink between A and B"));
  for (QMenu* menu : {actions.file, actions.capture, actions.view, actions.compare, actions.bookmarks, actions.help})
    for (QAction* action : menu->actions())
      if (!action->shortcut().isEmpty())
        add(action->shortcut().toString(QKeySequence::NativeText), action->text().remove(QLatin1Char('&')));
  QMessageBox box(QMessageBox::NoIcon, QObject::tr("Keys and mouse"), QStringLiteral("<table>%1</table>").arg(rows),
                  QMessageBox::Close, &window);
  box.exec();
}

void showAbout(QWidget& window) {
  QMessageBox::about(&window, QObject::tr("About KVAtlas"),
                     QObject::tr("<b>KVAtlas %1</b><p>What a KV cache throws away.</p><p>GPL-3.0-or-later. Built on "
                                 "Qt, QCustomPlot and HDF5.</p>")
                         .arg(QString::fromLatin1(kVersion)));
}

}  // namespace kvatlas::app
