#include "views/pages/token_table.h"

#include <QHeaderView>
#include <algorithm>

#include "views/models/qt_text.h"
#include "views/pages/table_keys.h"

namespace kvatlas::views {
namespace {

constexpr int kTextWidth = 110, kNumberWidth = 70, kMargin = 18;

}  // namespace

TokenTable::TokenTable(Document& document, Selection& selection, QWidget* parent)
    : QTableView(parent), m_document(document), m_selection(selection), m_model(document, selection) {
  setObjectName(QStringLiteral("tokenTable"));
  setModel(&m_model);
  setFrameShape(QFrame::NoFrame);
  setSelectionBehavior(QAbstractItemView::SelectRows);
  setSelectionMode(QAbstractItemView::SingleSelection);
  setShowGrid(false);
  horizontalHeader()->setHighlightSections(false);
  setAlternatingRowColors(true);
  verticalHeader()->hide();
  verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 4);
  const auto widths = [this] {
    QFont bold = horizontalHeader()->font();
    bold.setBold(true);  // the style draws the current column's header in bold
    for (int column = 0; column < m_model.columnCount(); ++column) {
      const QString title = m_model.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
      const int least = column == TokenModel::Text || column == TokenModel::Spans ? kTextWidth : kNumberWidth;
      setColumnWidth(column, std::max(least, QFontMetrics(bold).horizontalAdvance(title) + kMargin));
    }
  };
  connect(&m_model, &QAbstractItemModel::modelReset, this, widths);
  widths();
  setAccessibleName(tr("Tokens of the prompt"));
  const auto open = [this](const QModelIndex& index) {
    const auto key = static_cast<TokenIndex>(index.row());
    const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
    m_selection.setCursor(Cell{std::max(m_selection.cursor() ? m_selection.cursor()->query : last, key), key});
  };
  connect(this, &QTableView::clicked, this, open);
  new TableKeys(*this, open);
  connect(&selection, &Selection::cursorChanged, this, &TokenTable::showCursor);
  connect(&m_model, &QAbstractItemModel::modelReset, this, &TokenTable::showCursor);
  showCursor();
}

void TokenTable::showCursor() {
  if (!m_selection.cursor() || static_cast<int>(m_selection.cursor()->key) >= m_model.rowCount())
    return clearSelection();
  const QModelIndex row = m_model.index(static_cast<int>(m_selection.cursor()->key), 0);
  setCurrentIndex(row);
  if (!underMouse()) scrollTo(row);
}

QString TokenTable::csv() const {
  QString text;
  for (int row = -1; row < m_model.rowCount(); ++row) {
    QStringList cells;
    for (int column = 0; column < m_model.columnCount(); ++column)
      cells << csvQuoted(
          (row < 0 ? m_model.headerData(column, Qt::Horizontal, Qt::DisplayRole) : m_model.index(row, column).data())
              .toString());
    text += cells.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return text;
}

}  // namespace kvatlas::views
