#include "views/models/items/span_model.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "views/models/items/model_roles.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {

SpanModel::SpanModel(Document& document, BookmarkModel& notes, QObject* parent)
    : QAbstractTableModel(parent), m_document(document), m_notes(notes) {
  for (const auto signal : {&Document::opened, &Document::refreshed, &Document::closed, &Document::spansChanged})
    connect(&document, signal, this, &SpanModel::restart);
  restart();
}

void SpanModel::restart() {
  beginResetModel();
  m_spans = m_document.isOpen() ? m_document.prompt().spans : std::vector<trace::Span>();
  m_own = m_document.isOpen() ? static_cast<int>(std::min(m_document.ownSpans().size(), m_spans.size())) : 0;
  endResetModel();
}

int SpanModel::recorded() const {
  return static_cast<int>(m_spans.size()) - m_own;
}

const trace::Span& SpanModel::span(int row) const {
  return m_spans.at(static_cast<std::size_t>(row));
}

bool SpanModel::isOwn(int row) const {
  return row >= recorded() && row < rowCount();
}

void SpanModel::remove(int row) {
  if (isOwn(row)) m_notes.removeSpan(std::string(span(row).name));
}

int SpanModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_spans.size());
}

int SpanModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : Columns;
}

QVariant SpanModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !checkIndex(index)) return {};
  const trace::Span& span = this->span(index.row());
  if (role == BeginRole) return span.begin;
  if (role == EndRole) return span.end;
  if (role == Qt::ToolTipRole)
    return isOwn(index.row()) ? tr("Your own span: double-click or F2 to edit") : tr("Recorded in the trace");
  if (role != Qt::DisplayRole && role != Qt::EditRole) return {};
  switch (index.column()) {
    case Name:
      return toQString(span.name);
    case First:
      return span.begin;
    case Last:
      return span.end - 1;
    default:
      fail("column {} of the spans is unknown", index.column());
  }
}

QVariant SpanModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole || orientation != Qt::Horizontal || section < 0 || section >= Columns) return {};
  return std::array{tr("Span"), tr("First"), tr("Last")}[static_cast<std::size_t>(section)];
}

Qt::ItemFlags SpanModel::flags(const QModelIndex& index) const {
  const Qt::ItemFlags flags = QAbstractTableModel::flags(index);
  return index.isValid() && isOwn(index.row()) ? flags | Qt::ItemIsEditable : flags;
}

bool SpanModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (role != Qt::EditRole || !index.isValid() || !checkIndex(index) || !isOwn(index.row())) return false;
  trace::Span changed = span(index.row());
  bool number = true;
  if (index.column() == Name) changed.name = value.toString().trimmed().toStdString();
  if (index.column() == First) changed.begin = value.toUInt(&number);
  if (index.column() == Last) changed.end = value.toUInt(&number) + 1;
  return number && m_notes.changeSpan(static_cast<std::size_t>(index.row() - recorded()), changed);
}

}  // namespace kvatlas::views
