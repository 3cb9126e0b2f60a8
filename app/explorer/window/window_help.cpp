#include "app/explorer/window/window_help.h"

#include <QApplication>
#include <QDialog>
#include <QMessageBox>
#include <QTextBrowser>
#include <QVBoxLayout>
#include <QWhatsThis>
#include <utility>

#include "app/explorer/programme_files.h"
#include "app/explorer/window/glossary.h"
#include "app/explorer/window/window_actions.h"
#include "core/base/version.h"

namespace kvatlas::app {
namespace {

constexpr QSize kManual(900, 700);

}  // namespace

void showKeys(QWidget& window, const WindowActions& actions) {
  QString rows;
  const auto add = [&rows](const QString& keys, const QString& text) {
    rows += QStringLiteral("<tr><td><b>%1</b>&nbsp;&nbsp;&nbsp;</td><td>%2</td></tr>").arg(keys, text);
  };
  add(QObject::tr("Wheel"), QObject::tr("zoom at the pointer"));
  add(QObject::tr("Ctrl + wheel, Shift + wheel"), QObject::tr("zoom along the diagonal, move along the diagonal"));
  add(QObject::tr("Drag, Shift + drag"), QObject::tr("pan, zoom to a box"));
  add(QObject::tr("Click, double-click"), QObject::tr("pin the pair of tokens, fit to window"));
  add(QObject::tr("Arrow keys on the map"), QObject::tr("up/down: change layer, left/right: change head"));
  add(QObject::tr("+, −, Home, Backspace"), QObject::tr("zoom in, zoom out, fit to window, previous view"));
  add(QObject::tr("B on the map"), QObject::tr("blink between A and B"));
  add(QObject::tr("Click, wheel, right button on a strip"), QObject::tr("focus its run, scroll the strips, menu"));
  add(QObject::tr("Arrow keys, Return in layer × head"), QObject::tr("choose a head, open its map"));
  add(QObject::tr("Arrow keys, Return in a chart"), QObject::tr("move to a point or another line, open the point"));
  for (QMenu* menu : {actions.file, actions.capture, actions.view, actions.compare, actions.bookmarks, actions.help})
    for (QAction* action : menu->actions())
      if (!action->shortcut().isEmpty())
        add(action->shortcut().toString(QKeySequence::NativeText), action->text().remove(QLatin1Char('&')));
  QMessageBox box(QMessageBox::NoIcon, QObject::tr("Keyboard and mouse shortcuts"),
                  QStringLiteral("<table>%1</table>").arg(rows), QMessageBox::Close, &window);
  box.exec();
}

void showManual(QWidget& window) {
  auto* dialog = new QDialog(&window);
  dialog->setObjectName(QStringLiteral("manual"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setWindowTitle(QObject::tr("Manual"));
  auto* browser = new QTextBrowser;
  browser->setAccessibleName(QObject::tr("Manual"));
  browser->setOpenExternalLinks(true);
  const QString file = documentFile(QStringLiteral("explorer.md"));
  if (file.isEmpty())
    browser->setPlainText(QObject::tr("The manual is not installed."));
  else
    browser->setSource(QUrl::fromLocalFile(file), QTextDocument::MarkdownResource);
  auto* column = new QVBoxLayout(dialog);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(browser);
  dialog->resize(kManual.boundedTo(window.size()));
  dialog->show();
}

void showAbout(QWidget& window) {
  QMessageBox::about(
      &window, QObject::tr("About KVAtlas"),
      QObject::tr("<b>KVAtlas %1</b><p>See what KV-cache eviction throws away.</p><p>GPL-3.0-or-later. Built on "
                  "Qt, QCustomPlot and HDF5.</p>")
          .arg(QString::fromLatin1(kVersion)));
}

void connectHelp(QWidget& window, const WindowActions& actions) {
  const auto on = [&window](QAction* action, auto job) {
    QObject::connect(action, &QAction::triggered, &window, std::move(job));
  };
  on(actions.keys, [&window, &actions] { showKeys(window, actions); });
  on(actions.glossary, [&window] { showGlossary(window, QApplication::focusWidget()); });
  on(actions.whats_this, [] { QWhatsThis::enterWhatsThisMode(); });
  on(actions.manual, [&window] { showManual(window); });
  on(actions.about, [&window] { showAbout(window); });
}

}  // namespace kvatlas::app
