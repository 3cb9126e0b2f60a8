#include "app/explorer/window/glossary.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QComboBox>
#include <QDialog>
#include <QDockWidget>
#include <QGroupBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QRegularExpression>
#include <QTabBar>
#include <QTextBrowser>
#include <QVBoxLayout>
#include <algorithm>

namespace kvatlas::app {
namespace {

QString tr(const char* text) {
  return QObject::tr(text);
}

QString htmlOf(const GlossaryEntry& entry) {
  return QStringLiteral("<p><b>%1</b><br/>%2</p>").arg(entry.word.toHtmlEscaped(), entry.meaning.toHtmlEscaped());
}

// Title and explanation of one section of a header or one cell of a list.
QStringList textsOf(const QAbstractItemModel& model, const QModelIndex& index, int section,
                    Qt::Orientation orientation) {
  QStringList texts;
  if (section >= 0)
    texts << model.headerData(section, orientation, Qt::DisplayRole).toString()
          << model.headerData(section, orientation, Qt::ToolTipRole).toString();
  if (index.isValid()) texts << index.data(Qt::DisplayRole).toString() << index.data(Qt::ToolTipRole).toString();
  return texts;
}

QStringList textsOfViews(const QWidget& widget, const QPoint& at) {
  if (const auto* header = qobject_cast<const QHeaderView*>(&widget)) {
    if (header->model() == nullptr) return {};
    const int along = header->orientation() == Qt::Horizontal ? at.x() : at.y();
    return textsOf(*header->model(), {}, header->logicalIndexAt(along), header->orientation());
  }
  if (const auto* view = qobject_cast<const QAbstractItemView*>(&widget)) {
    if (view->model() == nullptr) return {};
    const QModelIndex index = view->indexAt(at);
    return textsOf(*view->model(), index, index.isValid() ? index.column() : -1, Qt::Horizontal);
  }
  if (const auto* tabs = qobject_cast<const QTabBar*>(&widget)) return {tabs->tabText(tabs->tabAt(at))};
  if (const auto* menu = qobject_cast<const QMenu*>(&widget)) {
    const QAction* action = menu->actionAt(at);
    return action == nullptr ? QStringList() : QStringList{action->text(), action->statusTip()};
  }
  return {};
}

// What a control says about itself, its explanation first.
QStringList textsOf(const QWidget& widget, const QPoint& at) {
  QStringList texts{widget.whatsThis(), widget.toolTip(), widget.accessibleName()};
  if (const auto* label = qobject_cast<const QLabel*>(&widget)) texts << label->text();
  if (const auto* button = qobject_cast<const QAbstractButton*>(&widget)) texts << button->text();
  if (const auto* group = qobject_cast<const QGroupBox*>(&widget)) texts << group->title();
  if (const auto* box = qobject_cast<const QComboBox*>(&widget))
    texts << box->currentText() << box->currentData(Qt::ToolTipRole).toString();
  if (const auto* edit = qobject_cast<const QLineEdit*>(&widget)) texts << edit->placeholderText();
  if (const auto* dock = qobject_cast<const QDockWidget*>(&widget)) texts << dock->windowTitle();
  texts += textsOfViews(widget, at);
  // The viewport of a list receives the events of the list.
  const auto* parent = widget.parentWidget();
  if (const auto* area = qobject_cast<const QAbstractScrollArea*>(parent);
      area != nullptr && area->viewport() == &widget)
    texts += textsOf(*area, at);
  texts.removeAll(QString());
  return texts;
}

QString explanation(const QStringList& texts) {
  const auto longest = std::ranges::max_element(texts, {}, [](const QString& text) { return text.size(); });
  return longest == texts.end() ? QString() : QString(*longest).remove(QLatin1Char('&'));
}

}  // namespace

const std::vector<GlossaryEntry>& glossary() {
  static const std::vector<GlossaryEntry> entries = {
      {tr("agreement (Jaccard)"),
       tr("Of the tokens that at least one of two runs keeps, the share that both keep: 1 for equal lists."),
       {QStringLiteral("agreement"), QStringLiteral("jaccard")}},
      {tr("attention map"),
       tr("The probability with which each query (row) attends to each key (column). Rows sum to 1; keys after the "
          "query "
          "are masked."),
       {QStringLiteral("map"), QStringLiteral("maps"), QStringLiteral("attention"), QStringLiteral("thumbnails"),
        QStringLiteral("probability")}},
      {tr("bookmark"),
       tr("A stored view under a name: layer, heads, place on the map, runs and colours."),
       {QStringLiteral("bookmark"), QStringLiteral("bookmarks")}},
      {tr("budget"),
       tr("Tokens that a method may keep, per head, averaged over all heads of all layers."),
       {QStringLiteral("budget"), QStringLiteral("budgets"), QStringLiteral("kept"), QStringLiteral("sweep")}},
      {tr("cell"),
       tr("A square of the map that stands for several tokens: its largest probability (max) or the mean over its "
          "visible "
          "pairs."),
       {QStringLiteral("cell"), QStringLiteral("cells")}},
      {tr("compared runs (A and B)"),
       tr("A is the run in focus, B the run or the trace that it is compared with."),
       {QStringLiteral("a and b"), QStringLiteral("b:"), QStringLiteral("compare"), QStringLiteral("comparison"),
        QStringLiteral("only a"), QStringLiteral("only b")}},
      {tr("concentration"),
       tr("Share of a head's attention on the 1 % most attended tokens."),
       {QStringLiteral("concentration")}},
      {tr("decoding step"),
       tr("One generated token. Token 0 comes from the whole prompt, before anything is evicted."),
       {QStringLiteral("decode"), QStringLiteral("generated"), QStringLiteral("step"), QStringLiteral("steps")}},
      {tr("entropy"),
       tr("How widely a query spreads its attention, in nats: 0 for one key, ln n for n equal keys."),
       {QStringLiteral("entropy")}},
      {tr("eviction"),
       tr("Removing a token's key and value from the cache: later tokens cannot attend to it."),
       {QStringLiteral("eviction"), QStringLiteral("evicted"), QStringLiteral("evicts"), QStringLiteral("overlay")}},
      {tr("exact tile"),
       tr("A part of the map recomputed token by token from stored queries and keys."),
       {QStringLiteral("exact")}},
      {tr("full cache"),
       tr("The reference run, which keeps every token."),
       {QStringLiteral("full cache"), QStringLiteral("full cache's")}},
      {tr("head"),
       tr("A layer attends several times in parallel, once per query head. With grouped-query attention several query "
          "heads "
          "read one KV head, and eviction decides per KV head."),
       {QStringLiteral("head"), QStringLiteral("heads"), QStringLiteral("kv"), QStringLiteral("layer × head")}},
      {tr("KL"),
       tr("Kullback–Leibler divergence of a run's next-token distribution from the full cache's, in nats. It ends "
          "where the "
          "texts part."),
       {QStringLiteral("kl")}},
      {tr("locality"),
       tr("Share of a head's attention that falls near the query itself."),
       {QStringLiteral("locality")}},
      {tr("lost mass"),
       tr("Attention of the full cache that falls on evicted tokens: 1 − retained mass."),
       {QStringLiteral("lost mass"), QStringLiteral("lost")}},
      {tr("named span"),
       tr("A range of tokens with a name, for example the needle. Select text and use its menu to name one."),
       {QStringLiteral("span"), QStringLiteral("spans"), QStringLiteral("named span")}},
      {tr("oracle"),
       tr("The best set of the same size: the tokens with the most attention, known only afterwards."),
       {QStringLiteral("oracle")}},
      {tr("position"),
       tr("The index of a token in the prompt, from 0. Generated tokens follow the prompt's."),
       {QStringLiteral("position"), QStringLiteral("positions"), QStringLiteral("token index"),
        QStringLiteral("tokens")}},
      {tr("prompt"),
       tr("The text that the model reads before it answers, as tokens."),
       {QStringLiteral("prompt"), QStringLiteral("text")}},
      {tr("query and key"),
       tr("The query is the token that attends, the key the token attended to; keys are never after the query."),
       {QStringLiteral("query"), QStringLiteral("key"), QStringLiteral("keys"), QStringLiteral("queries")}},
      {tr("received attention"),
       tr("What a key receives from all queries together; H2O's score."),
       {QStringLiteral("received"), QStringLiteral("ranking")}},
      {tr("retained mass"),
       tr("Share of the full cache's attention that falls on tokens a run still holds. ≈ marks an estimate from the "
          "prompt's "
          "last queries."),
       {QStringLiteral("mass"), QStringLiteral("retained"), QStringLiteral("here")}},
      {tr("retrieval score"),
       tr("Attention of the prompt's last queries on a named span, per head."),
       {QStringLiteral("retrieval"), QStringLiteral("attention on")}},
      {tr("run"),
       tr("One method with one budget, decoded from the same prompt. The run in focus is the one that map, text and "
          "charts "
          "show."),
       {QStringLiteral("run"), QStringLiteral("runs"), QStringLiteral("focus"), QStringLiteral("method"),
        QStringLiteral("methods")}},
      {tr("sink"),
       tr("One of the first tokens, which heads attend to when nothing else matters."),
       {QStringLiteral("sink"), QStringLiteral("sinks"), QStringLiteral("first keys"), QStringLiteral("first n keys")}},
      {tr("trace"),
       tr("The file of one capture: prompt, attention and what each run kept."),
       {QStringLiteral("trace"), QStringLiteral("traces"), QStringLiteral("capture")}},
      {tr("what if"),
       tr("A decision made anew from the recorded scores, for another budget or method; nothing is decoded."),
       {QStringLiteral("what if")}},
      {tr("window"),
       tr("The last prompt tokens: always kept, and their attention scores the others."),
       {QStringLiteral("window"), QStringLiteral("last queries")}},
  };
  return entries;
}

std::vector<const GlossaryEntry*> entriesIn(const QString& text) {
  const QString words = QString(text).remove(QLatin1Char('&')).toLower();
  std::vector<const GlossaryEntry*> found;
  for (const GlossaryEntry& entry : glossary())
    if (std::ranges::any_of(entry.forms, [&words](const QString& form) {
          const QRegularExpression whole(QStringLiteral("(?<![\\w])%1(?![\\w])").arg(QRegularExpression::escape(form)),
                                         QRegularExpression::UseUnicodePropertiesOption);
          return whole.match(words).hasMatch();
        }))
      found.push_back(&entry);
  return found;
}

namespace {

// The words of the widget, else of the nearest part of the window around it that has any.
struct Found {
  QString own;
  std::vector<const GlossaryEntry*> entries;
};

Found find(const QWidget& widget, const QPoint& at) {
  Found found;
  QPoint place = at;
  for (const QWidget* part = &widget; part != nullptr; part = part->parentWidget()) {
    const QStringList texts = textsOf(*part, place);
    if (found.own.isEmpty()) found.own = explanation(texts);
    found.entries = entriesIn(texts.join(QLatin1Char(' ')));
    if (!found.entries.empty() || part->isWindow()) break;
    place = part->mapToParent(place);
  }
  return found;
}

}  // namespace

QString helpOn(const QWidget& widget, const QPoint& at) {
  const Found found = find(widget, at);
  QString html = found.own.isEmpty() ? QString() : QStringLiteral("<p>%1</p>").arg(found.own.toHtmlEscaped());
  for (const GlossaryEntry* entry : found.entries) html += htmlOf(*entry);
  return html;
}

void showGlossary(QWidget& window, const QWidget* about) {
  const auto first =
      about == nullptr ? std::vector<const GlossaryEntry*>() : find(*about, about->rect().center()).entries;
  QString html;
  for (const GlossaryEntry* entry : first) html += htmlOf(*entry);
  if (!first.empty()) html += QStringLiteral("<hr/>");
  for (const GlossaryEntry& entry : glossary())
    if (std::ranges::find(first, &entry) == first.end()) html += htmlOf(entry);
  auto* dialog = new QDialog(&window);
  dialog->setObjectName(QStringLiteral("glossary"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setWindowTitle(tr("Glossary"));
  auto* browser = new QTextBrowser;
  browser->setAccessibleName(tr("Glossary"));
  browser->setHtml(html);
  auto* column = new QVBoxLayout(dialog);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(browser);
  dialog->resize(460, 520);
  dialog->show();
}

}  // namespace kvatlas::app
