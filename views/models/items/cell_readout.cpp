#include "views/models/items/cell_readout.h"

#include <QCoreApplication>

#include "core/base/error.h"
#include "views/models/document/token_text.h"
#include "views/models/items/inspector.h"
#include "views/models/number_text.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("CellReadout", text);
}

QString tokenLine(const QString& role, const trace::Prompt& prompt, TokenIndex position) {
  const QString line =
      tr("%1 %2 “%3”")
          .arg(role, QString::fromStdString(grouped(position)), QString::fromStdString(tokenText(prompt, position)));
  const QString spans = QString::fromStdString(spansAt(prompt, position));
  return spans.isEmpty() ? line : tr("%1 (%2)").arg(line, spans);
}

}  // namespace

QStringList placeText(const trace::Prompt& prompt, const Cell& cell) {
  return {tokenLine(tr("query"), prompt, cell.query), tokenLine(tr("key"), prompt, cell.key)};
}

QString valueText(const DrawnValue& value, trace::Reduction reduction) {
  const QString number = QString::number(value.probability, 'g', 3);
  switch (value.state) {
    case DrawnValue::Masked:
      return tr("masked");
    case DrawnValue::NotCaptured:
      return tr("not captured");
    case DrawnValue::NotLoaded:
      return tr("loading");
    case DrawnValue::Probability:
      if (value.cell_tokens == 1) return tr("p = %1").arg(number);
      return (reduction == trace::Reduction::Max ? tr("p ≤ %1 in %2 × %2 tokens") : tr("mean p = %1 of %2 × %2 tokens"))
          .arg(number)
          .arg(value.cell_tokens);
  }
  fail("state of a drawn value {} is unknown", static_cast<int>(value.state));
}

QString briefText(const DrawnValue& value, trace::Reduction reduction) {
  if (value.state != DrawnValue::Probability) return valueText(value, reduction);
  const bool bound = value.cell_tokens > 1 && reduction == trace::Reduction::Max;
  return (bound ? QStringLiteral("≤ ") : QString()) + QString::number(value.probability, 'g', 2);
}

QString fateText(const RunView& run, const QString& title, LayerIndex layer, const HeadChoice& head, TokenIndex key) {
  if (run.everything()) return {};
  const KeyFate fate = keyFate(run, layer, head, key);
  const QString what = fate.keeping == 0            ? tr("evicted")
                       : fate.keeping == fate.heads ? tr("kept (%1)").arg(toQString(textOf(fate.reason)))
                                                    : tr("kept in %1 of %2 heads").arg(fate.keeping).arg(fate.heads);
  return tr("%1: %2").arg(title, what);
}

}  // namespace kvatlas::views
