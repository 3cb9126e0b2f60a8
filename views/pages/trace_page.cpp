#include "views/pages/trace_page.h"

#include "core/base/error.h"
#include "views/models/document/document.h"
#include "views/models/number_text.h"

namespace kvatlas::views {
namespace {

QString text(const std::string& value) {
  return QString::fromStdString(value).toHtmlEscaped();
}

QString groupedNumber(std::uint64_t value) {
  return QString::fromStdString(grouped(value));
}

QString statusText(TraceStatus status) {
  switch (status) {
    case TraceStatus::Complete:
      return TracePage::tr("complete");
    case TraceStatus::Partial:
      return TracePage::tr("finished, but incomplete");
    case TraceStatus::Unfinished:
      return TracePage::tr("capture in progress or interrupted");
  }
  fail("status of a trace {} is unknown", static_cast<int>(status));
}

QString cellsText(const std::vector<std::uint64_t>& cells) {
  if (cells.empty()) return TracePage::tr("none recorded");
  return cells.front() == 1 ? TracePage::tr("down to single tokens")
                            : TracePage::tr("down to cells of %1 tokens").arg(groupedNumber(cells.front()));
}

// Exact tiles need queries and keys, which a capture may store for some layers only.
QString exactTiles(const trace::AttentionPlan& attention) {
  const std::size_t kept = attention.qk_layers.size(), recorded = attention.layers.size();
  if (kept == 0) return TracePage::tr("no: queries and keys not stored");
  if (kept == recorded) return TracePage::tr("yes: queries and keys stored");
  return TracePage::tr("for %1 of %2 layers: queries and keys stored").arg(kept).arg(recorded);
}

}  // namespace

TracePage::TracePage(Document& document, QWidget* parent) : QTextBrowser(parent), m_document(document) {
  setObjectName(QStringLiteral("tracePage"));
  setAccessibleName(tr("Facts of the trace"));
  setFrameShape(QFrame::NoFrame);
  for (const auto signal : {&Document::opened, &Document::refreshed})
    connect(&document, signal, this, &TracePage::showFacts);
  connect(&document, &Document::closed, this, [this] { clear(); });
}

void TracePage::showFacts() {
  const trace::TraceHeader& header = m_document.header();
  const trace::ModelInfo& model = header.model;
  QString rows;
  const auto add = [&rows](const QString& name, const QString& value) {
    rows += QStringLiteral("<tr><td style='padding-right:12px'><i>%1</i></td><td>%2</td></tr>").arg(name, value);
  };
  add(tr("status"), statusText(m_document.status()));
  add(tr("model"), text(model.name));
  add(tr("shape"), tr("%1 layers, %2 query heads, %3 KV heads of dimension %4, %5")
                       .arg(groupedNumber(model.layers), groupedNumber(model.query_heads),
                            groupedNumber(model.kv_heads), groupedNumber(model.head_dim), text(model.compute_dtype)));
  if (model.sliding_window > 0) add(tr("sliding window"), tr("%1 tokens").arg(groupedNumber(model.sliding_window)));
  const trace::Question& question = header.prompt.question;
  add(question.ids.empty() ? tr("prompt") : tr("context"),
      tr("%1 tokens, %2 bytes").arg(groupedNumber(m_document.tokens()), groupedNumber(header.prompt.text.size())));
  for (const trace::Span& span : header.prompt.spans)
    add(text(span.name), tr("tokens %1 to %2").arg(groupedNumber(span.begin), groupedNumber(span.end)));
  if (!question.ids.empty()) {
    add(tr("question"), tr("%1 tokens behind the context, which was compressed before: %2")
                            .arg(groupedNumber(question.ids.size()), text(question.text)));
  }
  add(tr("attention"), tr("%1 layers; rows of the last %2 queries stored separately")
                           .arg(groupedNumber(header.attention.layers.size()), groupedNumber(header.attention.window)));
  add(tr("map resolution"), cellsText(header.attention.cells));
  add(tr("exact tiles"), exactTiles(header.attention));
  add(tr("runs"), groupedNumber(header.runs.size()));
  add(tr("created"), text(header.created) + tr(" by ") + text(header.generator));
  add(tr("file"), QString::fromStdString(m_document.path().string()).toHtmlEscaped());
  setHtml(QStringLiteral("<table>%1</table>").arg(rows));
}

}  // namespace kvatlas::views
