#include "views/pages/text/attention_list.h"

#include <QHeaderView>
#include <QPainter>
#include <QStyledItemDelegate>
#include <algorithm>

#include "views/models/document/token_text.h"
#include "views/models/map/kept_strip.h"
#include "views/models/number_text.h"
#include "views/pages/table_keys.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr std::size_t kMost = 40;
constexpr int kBarRole = Qt::UserRole + 1;
enum AttentionColumn { Token, Position, Mass, Columns };

// A bar behind the number, as long as its share of the largest.
class BarDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const double share = index.data(kBarRole).toDouble();
    QRect bar = option.rect.adjusted(1, 2, -1, -2);
    bar.setWidth(static_cast<int>(bar.width() * std::clamp(share, 0.0, 1.0)));
    const ThemeColours& colours = themeColours(themeOf(option.palette));
    painter->fillRect(bar, toColour(mix(colours.paper, rgb(0xE69F00), 0.55)));
    QStyledItemDelegate::paint(painter, option, index);
  }
};

}  // namespace

AttentionList::AttentionList(Document& document, Selection& selection, QueryAttention& attention, QWidget* parent)
    : QTreeWidget(parent), m_document(document), m_selection(selection), m_attention(attention) {
  setObjectName(QStringLiteral("attentionList"));
  setAccessibleName(tr("Most attended tokens"));
  setFrameShape(QFrame::NoFrame);
  setRootIsDecorated(false);
  setUniformRowHeights(true);
  setHeaderLabels({tr("Token"), tr("Index"), tr("Attention")});
  header()->setStretchLastSection(false);
  header()->setSectionResizeMode(Token, QHeaderView::Stretch);
  header()->setSectionResizeMode(Position, QHeaderView::ResizeToContents);
  header()->setSectionResizeMode(Mass, QHeaderView::Fixed);
  header()->resizeSection(Mass, 110);
  setItemDelegateForColumn(Mass, new BarDelegate(this));
  connect(this, &QTreeWidget::clicked, this, &AttentionList::open);
  new TableKeys(*this, [this](const QModelIndex& index) { open(index); });
}

void AttentionList::open(const QModelIndex& index) {
  const auto position = index.siblingAtColumn(Token).data(Qt::UserRole).toULongLong();
  if (position >= m_document.tokens()) return;
  const auto key = static_cast<TokenIndex>(position);
  m_selection.setCursor(Cell{std::max(m_attention.query(), key), key});
}

void AttentionList::fill() {
  clear();
  if (!m_document.isOpen()) return;
  const std::vector<AttendedKey> keys = m_attention.largest(kMost);
  const RunPointer run = m_document.hasRun(m_selection.focusRun()) ? m_document.run(m_selection.focusRun()) : nullptr;
  const auto kept = run ? keptColumnsOf(*run, m_selection.layer(), m_selection.head()) : nullptr;
  for (const AttendedKey& key : keys) {
    if (!(key.mass > 0)) break;
    const bool prompt = key.position < m_document.tokens();
    const auto position = static_cast<TokenIndex>(key.position);
    auto* item = new QTreeWidgetItem(this);
    item->setData(Token, Qt::UserRole, QVariant::fromValue<qulonglong>(key.position));
    const SequenceToken token = m_attention.token(key.position);
    const QString text =
        prompt ? QString::fromStdString(tokenText(m_document.prompt(), position)) : QString::fromStdString(token.text);
    const QString span = prompt ? QString::fromStdString(spansAt(m_document.prompt(), position)) : tr("generated");
    item->setText(Token, span.isEmpty() ? text : tr("%1   (%2)").arg(text, span));
    item->setText(Position, QString::fromStdString(grouped(key.position)));
    item->setText(Mass, QStringLiteral("%1 %").arg(100 * key.mass, 0, 'f', key.mass < 0.01 ? 3 : 1));
    item->setData(Mass, kBarRole, key.mass / keys.front().mass);
    for (const int column : {Position, Mass}) item->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
    if (prompt && kept && kept->count(position, position + 1) == 0) {
      QFont font = this->font();
      font.setStrikeOut(true);
      item->setFont(Token, font);
      item->setToolTip(Token, tr("evicted by the focused run"));
    }
  }
}

}  // namespace kvatlas::views
