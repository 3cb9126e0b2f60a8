#include "views/pages/inspector_page.h"

#include <QEvent>

#include "views/models/document/run_colour.h"
#include "views/models/number_text.h"
#include "views/models/qt_text.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

QString shortNumber(double value) {
  return QString::number(value, 'g', 3);
}

QString tableRow(const QString& name, const QString& value) {
  return QStringLiteral("<tr><td style='padding-right:10px'>%1</td><td>%2</td></tr>").arg(name, value);
}

QString tokenRow(const QString& name, const TokenFacts& token) {
  QString value =
      QStringLiteral("%1 &nbsp;<b>“%2”</b>")
          .arg(QString::fromStdString(grouped(token.position)), QString::fromStdString(token.text).toHtmlEscaped());
  if (!token.spans.empty())
    value += InspectorPage::tr(" &nbsp;<i>%1</i>").arg(QString::fromStdString(token.spans).toHtmlEscaped());
  return tableRow(name, value);
}

QString probabilityText(const CellValues& values, trace::Reduction reduction) {
  const QString value = values.probability ? shortNumber(*values.probability) : QString();
  switch (values.source) {
    case CellValues::Masked:
      return InspectorPage::tr("masked: the query cannot see the key");
    case CellValues::NotCaptured:
      return InspectorPage::tr("not captured");
    case CellValues::MapCell:
      return (reduction == trace::Reduction::Max ? InspectorPage::tr("at most %1 in its cell of %2 × %2 tokens")
                                                 : InspectorPage::tr("mean %1 in its cell of %2 × %2 tokens"))
          .arg(value)
          .arg(values.cell_tokens);
    case CellValues::WindowRow:
    case CellValues::Exact:
      break;
  }
  if (!values.rank) return value;
  return InspectorPage::tr("%1, rank %2 of %3 keys")
      .arg(value, QString::fromStdString(grouped(*values.rank)), QString::fromStdString(grouped(values.visible)));
}

QString reasonText(policy::Reason reason) {
  return toQString(textOf(reason));
}

}  // namespace

InspectorPage::InspectorPage(Document& document, Selection& selection, QWidget* parent)
    : QTextBrowser(parent), m_document(document), m_selection(selection), m_inspector(document, selection) {
  setObjectName(QStringLiteral("inspectorPage"));
  setAccessibleName(tr("Pair of tokens under the cursor"));
  setFrameShape(QFrame::NoFrame);
  m_timer.setSingleShot(true);
  m_timer.setInterval(15);  // throttles updates while the cursor moves
  connect(&m_timer, &QTimer::timeout, this, &InspectorPage::showFacts);
  const auto soon = [this] {
    if (!m_timer.isActive()) m_timer.start();
  };
  connect(&m_inspector, &Inspector::changed, this, soon);
  connect(&selection, &Selection::focusRunChanged, this, soon);
  connect(&document, &Document::closed, this, soon);
  showFacts();
}

void InspectorPage::showFacts() {
  const auto& seen = m_inspector.current();
  if (!m_document.isOpen() || !seen)
    return setHtml(
        tr("<i>Hover over the map to see the query (row), the key (column) and the runs that keep the key. Click to "
           "pin the pair.</i>"));
  setHtml(QStringLiteral("<table>%1</table>%2").arg(pairRows(*seen), fateRows(*seen)));
}

QString InspectorPage::pairRows(const Inspection& seen) const {
  QString rows = tokenRow(tr("query"), seen.query) + tokenRow(tr("key"), seen.key);
  rows += tableRow(tr("distance"),
                   seen.cell.query >= seen.cell.key
                       ? tr("%1 tokens").arg(QString::fromStdString(grouped(seen.cell.query - seen.cell.key)))
                       : tr("the key comes after the query"));
  if (!seen.error.empty()) return rows + tableRow(tr("error"), QString::fromStdString(seen.error).toHtmlEscaped());
  if (!seen.values) return rows;
  rows += tableRow(tr("probability"), probabilityText(*seen.values, m_selection.reduction()));
  if (seen.received)
    rows += tableRow(
        tr("total attention received"),
        seen.received_rank
            ? tr("%1, rank %2 of %3").arg(shortNumber(*seen.received)).arg(*seen.received_rank).arg(m_document.tokens())
            : shortNumber(*seen.received));
  if (seen.values->entropy)
    rows += tableRow(tr("query entropy"), tr("%1 nats").arg(shortNumber(*seen.values->entropy)));
  return rows;
}

QString InspectorPage::fateRows(const Inspection& seen) const {
  QString rows;
  int runs = 0;
  for (const KeyFate& fate : seen.fates) {
    const bool untouched = fate.reason == policy::Reason::Everything && fate.gone == 0 && fate.sources == 0;
    if (untouched || !m_document.hasRun(fate.run)) continue;
    ++runs;
    QString text = reasonText(fate.reason);
    if (fate.keeping > 0 && fate.keeping < fate.heads)
      text += tr(", in %1 of %2 heads").arg(fate.keeping).arg(fate.heads);
    if (fate.gone_after)
      text += fate.gone == fate.keeping
                  ? tr(", evicted after generated token %1").arg(*fate.gone_after)
                  : tr(", evicted by %1 heads from generated token %2 on").arg(fate.gone).arg(*fate.gone_after);
    if (fate.into) text += tr(", merged into token %1").arg(*fate.into);
    if (fate.sources > 0)
      text += fate.sources == 1 ? tr(", holds another token") : tr(", holds %1 other tokens").arg(fate.sources);
    const bool focus = fate.run == m_selection.focusRun();
    const QString name = runText(m_document, fate.run).toHtmlEscaped();
    rows += tableRow(QStringLiteral("<span style='color:%1'>■</span> %2")
                         .arg(toColour(runColour(m_document, fate.run, themeOf(palette()))).name(),
                              focus ? QStringLiteral("<b>%1</b>").arg(name) : name),
                     fate.keeping > 0 ? tr("kept: %1").arg(text) : text);
  }
  if (runs == 0) return {};
  return tr("<p>%1 of %2 runs keep this key:</p>").arg(seen.keepers()).arg(runs) +
         QStringLiteral("<table>%1</table>").arg(rows) + ruleParagraph();
}

// What the run in focus keeps, and by which score: why it kept or evicted the key.
QString InspectorPage::ruleParagraph() const {
  const RunId focus = m_selection.focusRun();
  const RunPointer run = m_document.hasRun(focus) ? m_document.run(focus) : nullptr;
  if (!run || run->everything() || !run->rule) return {};
  return QStringLiteral("<p><b>%1</b><br/>%2</p>")
      .arg(runText(m_document, focus).toHtmlEscaped(), toQString(ruleText(*run->rule)).toHtmlEscaped());
}

void InspectorPage::changeEvent(QEvent* event) {
  QTextBrowser::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) showFacts();
}

}  // namespace kvatlas::views
