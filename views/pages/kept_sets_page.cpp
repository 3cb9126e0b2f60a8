#include "views/pages/kept_sets_page.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/models/document/run_colour.h"
#include "views/models/items/model_roles.h"
#include "views/models/number_text.h"
#include "views/models/qt_text.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/table_keys.h"
#include "views/pages/window_palette.h"

namespace kvatlas::views {
namespace {

constexpr int kColumnWidths[] = {60, 110, 90, 110, 70};

}  // namespace

KeptSetsPage::KeptSetsPage(Document& document, Selection& selection, QWidget* parent)
    : RestingPage(parent),
      m_document(document),
      m_selection(selection),
      m_model(document, selection),
      m_title(new QLabel),
      m_sets{},
      m_table(new QTableView) {
  setObjectName(QStringLiteral("keptSetsPage"));
  m_title->setObjectName(QStringLiteral("keptSetsTitle"));
  m_title->setWordWrap(true);  // a long title must not decide how narrow the window can be
  makeTable();
  auto* row = new QHBoxLayout;
  row->setSpacing(4);
  for (int i = 0; i < kKeptSets; ++i) {
    auto* button = new QToolButton;
    const auto set = static_cast<KeptSet>(i);
    button->setObjectName(QStringLiteral("keptSet%1").arg(i));
    button->setCheckable(true);
    button->setChecked(m_model.isShown(set));
    button->setToolTip(
        tr("Lists these tokens. The number behind is their mass: the share of the attention of the "
           "prompt's last queries that falls on them, in the layer and heads in view"));
    connect(button, &QToolButton::toggled, this, [this, set](bool shown) { m_model.setShown(set, shown); });
    m_sets[static_cast<std::size_t>(i)] = button;
    row->addWidget(button);
  }
  row->addStretch(1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 2, 0, 0);
  column->setSpacing(2);
  column->addWidget(m_title);
  column->addLayout(row);
  column->addWidget(m_table, 1);
  connect(&m_model, &QAbstractItemModel::modelReset, this, &KeptSetsPage::showSums);
  connect(&m_model, &KeptSetsModel::stale, this, [this] { refill(); });
  connect(&document, &Document::closed, this, &KeptSetsPage::showSums);
  showSums();
}

void KeptSetsPage::makeTable() {
  m_table->setObjectName(QStringLiteral("keptSetsTable"));
  m_table->setAccessibleName(tr("Tokens by who keeps them"));
  m_table->setModel(&m_model);
  m_table->setShowGrid(false);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_table->setSelectionMode(QAbstractItemView::SingleSelection);
  m_table->setAlternatingRowColors(true);
  m_table->verticalHeader()->hide();
  m_table->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 4);
  m_table->horizontalHeader()->setHighlightSections(false);
  for (int column = 0; column < KeptSetsModel::Columns; ++column)
    m_table->setColumnWidth(column, kColumnWidths[column]);
  m_table->horizontalHeader()->setSectionResizeMode(KeptSetsModel::Text, QHeaderView::Stretch);
  connect(m_table, &QTableView::clicked, this, &KeptSetsPage::open);
  new TableKeys(*m_table, [this](const QModelIndex& index) { open(index); });
}

void KeptSetsPage::open(const QModelIndex& index) {
  if (!index.isValid()) return;
  const TokenIndex key = index.data(BeginRole).toUInt();
  const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
  m_selection.setCursor(Cell{std::max(m_selection.cursor() ? m_selection.cursor()->query : last, key), key});
}

QString KeptSetsPage::title(KeptSet set) const {
  const bool compared = m_model.compared();
  switch (set) {
    case KeptSet::OnlyA:
      return compared ? tr("only A") : tr("kept");
    case KeptSet::OnlyB:
      return tr("only B");
    case KeptSet::Both:
      return tr("both");
    case KeptSet::Neither:
      return compared ? tr("neither") : tr("evicted");
  }
  return {};
}

void KeptSetsPage::showSums() {
  // The model may still be of a selection that has changed.
  const bool known = m_model.known() && m_document.hasRun(m_selection.focusRun()) &&
                     (!m_model.compared() || m_document.hasRun(m_selection.compareRun()));
  QString text = tr("Choose a run in the list of runs.");
  if (known) {
    const QString a = runText(m_document, m_selection.focusRun());
    text = m_model.compared()
               ? tr("A: %1 · B: %2").arg(a, runText(m_document, m_selection.compareRun()))
               : tr("A: %1. Choose B over the map (compare with…) to see what only one of them keeps.").arg(a);
  }
  m_title->setText(text);
  const ComparedColours colours =
      known ? comparedColours(m_document, m_selection.focusRun(), m_selection.compareRun(), themeOf(palette()))
            : ComparedColours{};
  for (int i = 0; i < kKeptSets; ++i) {
    const auto set = static_cast<KeptSet>(i);
    QToolButton& button = *m_sets[static_cast<std::size_t>(i)];
    const KeptSetSum& sum = m_model.sum(set);
    const QString mass = std::isnan(sum.mass) ? QStringLiteral("–") : QString::number(sum.mass, 'f', 3);
    button.setText(tr("%1: %2 tokens, %3").arg(title(set), QString::fromStdString(grouped(sum.tokens)), mass));
    button.setAccessibleName(button.text());
    button.setVisible(known && (m_model.compared() || set == KeptSet::OnlyA || set == KeptSet::Neither));
    if (set == KeptSet::OnlyA || set == KeptSet::OnlyB) {
      button.setToolButtonStyle(m_model.compared() ? Qt::ToolButtonTextBesideIcon : Qt::ToolButtonTextOnly);
      button.setIcon(colourIcon(set == KeptSet::OnlyA ? colours.a : colours.b));
    }
  }
}

QString KeptSetsPage::csv() {
  updateNow();
  QString text = QStringLiteral("token,text,span,kept by,mass\n");
  for (int row = 0; row < m_model.rowCount(); ++row) {
    QStringList cells;
    for (int column = 0; column < KeptSetsModel::Columns; ++column)
      cells << csvQuoted(m_model.index(row, column).data().toString());
    text += cells.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return text;
}

}  // namespace kvatlas::views
