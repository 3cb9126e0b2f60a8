#include "app/explorer/window/window_help.h"

#include <QDialog>
#include <QMessageBox>
#include <QTextBrowser>
#include <QVBoxLayout>
#include <utility>

#include "app/explorer/window/window_actions.h"
#include "core/base/version.h"

namespace kvatlas::app {

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
  for (QMenu* menu : {actions.file, actions.capture, actions.view, actions.compare, actions.bookmarks, actions.help})
    for (QAction* action : menu->actions())
      if (!action->shortcut().isEmpty())
        add(action->shortcut().toString(QKeySequence::NativeText), action->text().remove(QLatin1Char('&')));
  QMessageBox box(QMessageBox::NoIcon, QObject::tr("Keyboard and mouse shortcuts"),
                  QStringLiteral("<table>%1</table>").arg(rows), QMessageBox::Close, &window);
  box.exec();
}

void showGlossary(QWidget& window) {
  const std::pair<QString, QString> words[] = {
      {QObject::tr("agreement (Jaccard)"),
       QObject::tr("Of the tokens that at least one of two runs keeps, the share that both keep: 1 for equal lists.")},
      {QObject::tr("attention map"),
       QObject::tr(
           "The probability with which each query (row) attends to each key (column). Rows sum to 1; keys after "
           "the query are masked.")},
      {QObject::tr("budget"),
       QObject::tr("Tokens that a method may keep, per head, averaged over all heads of all layers.")},
      {QObject::tr("cell"), QObject::tr("A square of the map that stands for several tokens: its largest probability "
                                        "(max) or the mean over its visible pairs.")},
      {QObject::tr("concentration"), QObject::tr("Share of a head's attention on the 1 % most attended tokens.")},
      {QObject::tr("entropy"),
       QObject::tr("How widely a query spreads its attention, in nats: 0 for one key, ln n for n "
                   "equal keys.")},
      {QObject::tr("eviction"),
       QObject::tr("Removing a token's key and value from the cache: later tokens cannot attend "
                   "to it.")},
      {QObject::tr("exact tile"),
       QObject::tr("A part of the map recomputed token by token from stored queries and keys.")},
      {QObject::tr("full cache"), QObject::tr("The reference run, which keeps every token.")},
      {QObject::tr("KL"), QObject::tr("Kullback–Leibler divergence of a run's next-token distribution from the full "
                                      "cache's, in nats. It ends where the texts part.")},
      {QObject::tr("KV head, group"), QObject::tr("With grouped-query attention several query heads read one KV head; "
                                                  "eviction decides per KV head.")},
      {QObject::tr("lost mass"), QObject::tr("1 − retained mass.")},
      {QObject::tr("named span"),
       QObject::tr("A range of tokens with a name, for example the needle. Select text and use "
                   "its menu to name one.")},
      {QObject::tr("oracle"),
       QObject::tr("The best set of the same size: the tokens with the most attention, known only "
                   "afterwards.")},
      {QObject::tr("received attention"), QObject::tr("What a key receives from all queries together; H2O's score.")},
      {QObject::tr("retained mass"), QObject::tr("Share of the full cache's attention that falls on tokens a run still "
                                                 "holds. ≈ marks an estimate from the prompt's last queries.")},
      {QObject::tr("retrieval score"),
       QObject::tr("Attention of the prompt's last queries on a named span, per head.")},
      {QObject::tr("sink"), QObject::tr("One of the first tokens, which heads attend to when nothing else matters.")},
      {QObject::tr("window"),
       QObject::tr("The last prompt tokens: always kept, and their attention scores the others.")},
  };
  QString rows;
  for (const auto& [word, meaning] : words) rows += QStringLiteral("<p><b>%1</b><br/>%2</p>").arg(word, meaning);
  auto* dialog = new QDialog(&window);
  dialog->setObjectName(QStringLiteral("glossary"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setWindowTitle(QObject::tr("Glossary"));
  auto* text = new QTextBrowser;
  text->setHtml(rows);
  auto* column = new QVBoxLayout(dialog);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(text);
  dialog->resize(460, 520);
  dialog->show();
}

void showAbout(QWidget& window) {
  QMessageBox::about(
      &window, QObject::tr("About KVAtlas"),
      QObject::tr("<b>KVAtlas %1</b><p>See what KV-cache eviction throws away.</p><p>GPL-3.0-or-later. Built on "
                  "Qt, QCustomPlot and HDF5.</p>")
          .arg(QString::fromLatin1(kVersion)));
}

}  // namespace kvatlas::app
