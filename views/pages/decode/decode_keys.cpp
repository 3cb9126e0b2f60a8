#include "views/pages/decode/decode_keys.h"

#include <QHeaderView>
#include <QLabel>
#include <QPainter>
#include <QSignalBlocker>
#include <QStyledItemDelegate>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "views/models/number_text.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kPositionRole = Qt::UserRole, kMassRole = Qt::UserRole + 1, kColourRole = Qt::UserRole + 2;

QString text(const std::string& utf8) {
  return QString::fromStdString(utf8);
}

// The token in brackets with a little context, short enough for a narrow column.
QString inContext(const SequenceToken& token) {
  constexpr qsizetype kBefore = 4, kAfter = 24;
  const QString before = text(token.before);
  return QStringLiteral("%1%2[%3]%4")
      .arg(before.size() > kBefore ? QStringLiteral("…") : QString(), before.right(kBefore), text(token.text),
           text(token.after).left(kAfter));
}

// A number over a bar whose length is the mass.
class MassBar : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    QRectF bar = QRectF(option.rect).adjusted(1, 2, -1, -2);
    bar.setWidth(bar.width() * std::min(1.0, index.data(kMassRole).toDouble()));
    painter->fillRect(bar, index.data(kColourRole).value<QColor>());
    QStyledItemDelegate::paint(painter, option, index);
  }
};

}  // namespace

DecodeKeys::DecodeKeys(Document& document, Selection& selection, DecodeAttended& attended, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_attended(attended),
      m_title(new QLabel),
      m_note(new QLabel),
      m_list(new QTreeWidget) {
  setObjectName(QStringLiteral("decodeKeys"));
  m_title->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  m_note->setWordWrap(true);
  m_note->setAlignment(Qt::AlignTop);
  m_list->setObjectName(QStringLiteral("decodeKeysList"));
  m_list->setAccessibleName(tr("Keys that the generated token attends to"));
  m_list->setRootIsDecorated(false);
  m_list->setUniformRowHeights(true);
  m_list->setFrameShape(QFrame::NoFrame);
  m_list->setHeaderLabels({tr("#"), tr("Token"), tr("Span"), tr("Key"), tr("Mass")});
  m_list->headerItem()->setToolTip(Position, tr("Key position: prompt tokens first, then those of the question behind "
                                                "a compressed context, then generated ones"));
  m_list->headerItem()->setToolTip(Mass, tr("Share of the run's own attention over its cached tokens at this step"));
  m_list->header()->setStretchLastSection(false);
  m_list->header()->setMinimumSectionSize(18);
  m_list->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
  m_list->header()->setSectionResizeMode(Token, QHeaderView::Stretch);
  m_list->setItemDelegateForColumn(Mass, new MassBar(m_list));
  for (const int column : {int{Position}, int{Mass}})
    m_list->headerItem()->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 0, 6, 0);
  column->setSpacing(0);
  column->addWidget(m_title);
  column->addWidget(m_note, 1);
  column->addWidget(m_list, 1);
  const auto chosen = [this](const QTreeWidgetItem* item) {
    if (item != nullptr) select(item->data(Rank, kPositionRole).toULongLong());
  };
  connect(m_list, &QTreeWidget::itemClicked, this, chosen);
  connect(m_list, &QTreeWidget::currentItemChanged, this, chosen);  // keyboard
  connect(&selection, &Selection::cursorChanged, this, &DecodeKeys::showCursor);
}

QString DecodeKeys::title() const {
  return m_title->text();
}
QString DecodeKeys::note() const {
  return m_note->text();
}

// The map only has the keys of the prompt, so later tokens cannot be selected.
void DecodeKeys::select(std::uint64_t position) {
  if (!m_document.isOpen() || position >= m_document.tokens()) return;
  const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
  m_selection.setCursor(Cell{last, static_cast<TokenIndex>(position)});
}

void DecodeKeys::updateNow() {
  const QSignalBlocker quiet(m_list);
  m_list->clear();
  m_title->setText({});
  const std::vector<AttendedKey> keys = m_attended.keys(m_selection.step());
  QString note = m_attended.why();
  if (note.isEmpty() && keys.empty())
    note = tr("%1 stopped before this token.").arg(runText(m_document, m_selection.focusRun()));
  m_note->setText(note);
  m_note->setVisible(!note.isEmpty());
  m_list->setVisible(note.isEmpty());
  if (!note.isEmpty()) return;
  const HeadChoice head = m_selection.head();
  const std::size_t heads = headsOf(head, m_document.model()).size();
  m_title->setText(heads == 1 ? tr("attended keys at token %1").arg(m_selection.step())
                              : tr("attended keys at token %1, %2 heads combined").arg(m_selection.step()).arg(heads));
  const QString joined = head.max() ? tr("maximum of their masses") : tr("mean of their masses");
  m_title->setToolTip(heads == 1
                          ? QString()
                          : tr("%1 heads combined: %2. The trace stores the %3 most attended keys of each head; other "
                               "keys count as 0.")
                                .arg(heads)
                                .arg(joined)
                                .arg(m_attended.layer()->per_head));
  for (const AttendedKey& key : keys) addRow(key);
  bool placed = false;
  for (int row = 0; row < m_list->topLevelItemCount(); ++row)
    placed = placed || !m_list->topLevelItem(row)->text(Where).isEmpty();
  m_list->setColumnHidden(Where, !placed);
  showCursor();
}

void DecodeKeys::addRow(const AttendedKey& key) {
  const SequenceToken token = m_attended.token(key.position);
  auto* item = new QTreeWidgetItem(m_list);
  const Theme theme = themeOf(palette());
  const ThemeColours& colours = themeColours(theme);
  item->setData(Rank, kPositionRole, QVariant::fromValue<qulonglong>(key.position));
  item->setData(Mass, kMassRole, key.mass);
  const Rgb method = methodColour(m_document.runHeader(m_selection.focusRun()).method, theme);
  item->setData(Mass, kColourRole, toColour(mix(colours.paper, method, 0.45)));
  item->setText(Rank, QString::number(m_list->topLevelItemCount()));
  item->setText(Token, inContext(token));
  item->setText(Where, token.generated ? tr("generated") : token.of_question ? tr("question") : text(token.spans));
  item->setText(Position, text(grouped(key.position)));
  item->setText(Mass, key.mass > 0 && key.mass < 0.0005 ? tr("<0.001") : QString::number(key.mass, 'f', 3));
  for (const int column : {int{Position}, int{Mass}}) item->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  const QString whole = QStringLiteral("%1[%2]%3").arg(text(token.before), text(token.text), text(token.after));
  for (int column = 0; column < Columns; ++column) item->setToolTip(column, whole);
}

// Selects the row of the selected key if the list has it.
void DecodeKeys::showCursor() {
  const QSignalBlocker quiet(m_list);
  QTreeWidgetItem* found = nullptr;
  for (int row = 0; m_selection.cursor() && row < m_list->topLevelItemCount(); ++row)
    if (m_list->topLevelItem(row)->data(Rank, kPositionRole).toULongLong() == m_selection.cursor()->key)
      found = m_list->topLevelItem(row);
  m_list->setCurrentItem(found);
  if (found == nullptr) m_list->clearSelection();
}

}  // namespace kvatlas::views
