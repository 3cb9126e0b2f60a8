#include "views/pages/inspector_page.h"

#include <QEvent>

#include "views/models/kept_strip.h"
#include "views/models/ticks.h"
#include "views/pages/look.h"
#include "views/pages/run_chart.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

QString shortNumber(double value) {
  return QString::number(value, 'g', 3);
}

QString tableRow(const QString& name, const QString& value) {
  return QStringLiteral("<tr><td style='padding-right:10px'>%1</td><td>%2</td></tr>").arg(name, value);
}

}  // namespace

QString visibleToken(const trace::Prompt& prompt, TokenIndex position) {
  const std::size_t next = std::size_t{position} + 1;
  if (next >= prompt.offsets.size() || prompt.text.empty()) return QStringLiteral("#%1").arg(position);
  const std::uint64_t begin = prompt.offsets[position], end = prompt.offsets[next];
  if (begin > end || end > prompt.text.size()) return QStringLiteral("#%1").arg(position);
  if (begin == end) return QStringLiteral("∅");
  QString text = QString::fromUtf8(prompt.text.data() + begin, static_cast<qsizetype>(end - begin));
  return text.replace(QLatin1Char('\n'), QStringLiteral("↵")).replace(QLatin1Char(' '), QStringLiteral("␣"));
}

InspectorPage::InspectorPage(Document& document, Selection& selection, QWidget* parent)
    : QTextBrowser(parent), m_document(document), m_selection(selection) {
  setObjectName(QStringLiteral("inspectorPage"));
  setFrameShape(QFrame::NoFrame);
  m_timer.setSingleShot(true);
  m_timer.setInterval(15);  // the cursor moves faster than anybody reads
  connect(&m_timer, &QTimer::timeout, this, &InspectorPage::ask);
  const auto soon = [this] {
    if (!m_timer.isActive()) m_timer.start();
  };
  for (const auto signal : {&Selection::reset, &Selection::cursorChanged, &Selection::layerChanged,
                            &Selection::headChanged, &Selection::reductionChanged})
    connect(&selection, signal, this, soon);
  for (const auto signal : {&Selection::hiddenRunsChanged, &Selection::focusRunChanged})
    connect(&selection, signal, this, &InspectorPage::showFacts);
  connect(&document, &Document::runReady, this, &InspectorPage::showFacts);
  connect(&document, &Document::closed, this, [this] {
    m_facts.reset();
    showFacts();
  });
  showFacts();
}

void InspectorPage::ask() {
  if (!m_document.isOpen() || !m_selection.cursor()) {
    m_facts.reset();
    return showFacts();
  }
  m_document.thread().cancel(m_request);
  m_request = m_document.post(
      {},
      [layer = m_selection.layer(), head = m_selection.head(), reduction = m_selection.reduction(),
       cell = *m_selection.cursor()](const trace::Reader& reader) {
        return readPair(reader, layer, head, reduction, cell);
      },
      this,
      [this](Answer<PairFacts> answer) {
        m_facts = std::move(answer.value);
        showFacts();
      });
}

QString InspectorPage::tokenText(TokenIndex position) const {
  return QStringLiteral("%1 &nbsp;<b>“%2”</b>")
      .arg(QString::fromStdString(grouped(position)), visibleToken(m_document.prompt(), position).toHtmlEscaped());
}

void InspectorPage::showFacts() {
  if (!m_document.isOpen() || !m_facts)
    return setHtml(tr("<i>Point at the map: what its row and column are, and who keeps the key.</i>"));
  const PairFacts& facts = *m_facts;
  QString rows = tableRow(tr("query"), tokenText(facts.cell.query)) + tableRow(tr("key"), tokenText(facts.cell.key));
  if (facts.probability)
    rows +=
        tableRow(tr("probability"), tr("%1, rank %2 of its row").arg(shortNumber(*facts.probability)).arg(facts.rank));
  else if (facts.cell_value)
    rows +=
        tableRow(m_selection.reduction() == trace::Reduction::Max ? tr("highest probability") : tr("mean probability"),
                 tr("%1 in its cell of %2 × %2 tokens").arg(shortNumber(*facts.cell_value)).arg(facts.cell_tokens));
  else
    rows += tableRow(tr("probability"), tr("not captured"));
  if (facts.received)
    rows += tableRow(tr("key receives"),
                     tr("%1 in all, rank %2").arg(shortNumber(*facts.received)).arg(facts.received_rank));
  if (facts.entropy) rows += tableRow(tr("query's entropy"), tr("%1 nats").arg(shortNumber(*facts.entropy)));
  setHtml(QStringLiteral("<table>%1</table>%2").arg(rows, keptRows()));
}

QString InspectorPage::keptRows() const {
  QString rows;
  int keep = 0, asked = 0;
  const TokenIndex key = m_facts->cell.key;
  for (const RunId run : m_selection.visibleRuns()) {
    const RunPointer view = m_document.run(run);
    if (!view || view->everything()) continue;
    const std::vector<std::size_t> heads = storedHeadsOf(*view, m_selection.head());
    std::size_t keepers = 0;
    policy::Reason reason = policy::Reason::Evicted;
    for (const std::size_t head : heads) {
      if (!view->keeps(m_selection.layer(), head, key)) continue;
      if (keepers++ == 0) reason = view->reason(m_selection.layer(), head, key);
    }
    ++asked;
    keep += keepers > 0 ? 1 : 0;
    const std::string_view rule = textOf(reason);
    QString text = QString::fromUtf8(rule.data(), static_cast<qsizetype>(rule.size()));
    if (keepers > 0 && keepers < heads.size()) text += tr(", in %1 of %2 heads").arg(keepers).arg(heads.size());
    const QString square = QStringLiteral("<span style='color:%1'>■</span> %2%3%4")
                               .arg(toColour(methodColour(view->run.header.method, themeOf(palette()))).name(),
                                    run == m_selection.focusRun() ? QStringLiteral("<b>") : QString(),
                                    runText(m_document, run).toHtmlEscaped(),
                                    run == m_selection.focusRun() ? QStringLiteral("</b>") : QString());
    rows += tableRow(square, text);
  }
  return asked == 0 ? QString()
                    : tr("<p>The key is kept by %1 of %2 runs:</p>").arg(keep).arg(asked) +
                          QStringLiteral("<table>%1</table>").arg(rows);
}

void InspectorPage::changeEvent(QEvent* event) {
  QTextBrowser::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) showFacts();
}

}  // namespace kvatlas::views
