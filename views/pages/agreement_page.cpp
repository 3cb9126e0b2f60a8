#include "views/pages/agreement_page.h"

#include <QHeaderView>
#include <QPainter>
#include <QVBoxLayout>
#include <cmath>

#include "views/models/colour_table.h"
#include "views/models/contrast.h"
#include "views/models/items/model_roles.h"
#include "views/models/qt_text.h"
#include "views/pages/charts/run_chart.h"
#include "views/pages/table_keys.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {

AgreementDelegate::AgreementDelegate(const Selection& selection, QObject* parent)
    : QStyledItemDelegate(parent), m_selection(selection) {}

// A viridis cell from 0 (no common tokens) to 1 (the same tokens), with the number on top.
void AgreementDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const float value = index.data(ValueRole).toFloat();
  const QRect area = option.rect.adjusted(0, 0, -1, -1);
  if (std::isnan(value)) {
    painter->fillRect(area, QBrush(option.palette.color(QPalette::Mid), Qt::BDiagPattern));
    return;
  }
  const Rgb colour = colourTable("viridis").at(static_cast<double>(value));
  painter->fillRect(area, toColour(colour));
  painter->setPen(toColour(inkOn(colour)));
  painter->drawText(area, Qt::AlignCenter, index.data().toString());
  if (option.state.testFlag(QStyle::State_HasFocus)) {
    painter->setPen(QPen(toColour(inkOn(colour)), 1, Qt::DotLine));
    painter->drawRect(area.adjusted(2, 2, -3, -3));
  }
  const QVariant layer = index.data(LayerRole);
  if (layer.isValid() && layer.toUInt() == m_selection.layer().value &&
      index.data(RunRole).toInt() == m_selection.compareRun()) {
    painter->setPen(QPen(QColor(0xD5, 0x5E, 0x00), 2));
    painter->drawRect(area.adjusted(1, 1, -1, -1));
  }
}

AgreementPage::AgreementPage(Document& document, Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_model(document, selection),
      m_title(new QLabel),
      m_table(new QTableView) {
  setObjectName(QStringLiteral("agreementPage"));
  m_title->setWordWrap(true);  // a long title must not decide how narrow the window can be
  m_table->setObjectName(QStringLiteral("agreementTable"));
  m_table->setModel(&m_model);
  m_table->setItemDelegate(new AgreementDelegate(selection, this));
  m_table->setShowGrid(false);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->setSelectionMode(QAbstractItemView::NoSelection);
  m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  m_table->horizontalHeader()->setMinimumSectionSize(72);
  m_table->horizontalHeader()->setTextElideMode(Qt::ElideMiddle);  // both ends matter: method and budget
  m_table->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_table->verticalHeader()->setMinimumSectionSize(18);
  m_table->verticalHeader()->setDefaultSectionSize(22);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 2, 0, 0);
  column->setSpacing(2);
  column->addWidget(m_title);
  column->addWidget(m_table, 1);
  m_table->setAccessibleName(tr("Agreement of the runs with the one in focus, by layer"));
  connect(m_table, &QTableView::clicked, this, [this](const QModelIndex& index) { m_model.open(index); });
  new TableKeys(*m_table, [this](const QModelIndex& index) { m_model.open(index); });
  for (const auto signal : {&Selection::layerChanged, &Selection::compareRunChanged})
    connect(&selection, signal, m_table->viewport(), qOverload<>(&QWidget::update));
  connect(&m_model, &QAbstractItemModel::modelReset, this, &AgreementPage::showFocus);
  showFocus();
}

void AgreementPage::showFocus() {
  const RunId focus = m_selection.focusRun();
  m_title->setText(
      m_document.isOpen() && m_document.hasRun(focus)
          ? tr("Jaccard index of what %1 and each other run keep, mean over heads (1: the same). Click to compare.")
                .arg(runText(m_document, focus))
          : tr("Choose a run in the list of runs."));
}

QString AgreementPage::csv() const {
  QString text = QStringLiteral("layer,run,jaccard\n");
  for (int row = 0; row < m_model.rowCount(); ++row)
    for (int column = 0; column < m_model.columnCount(); ++column)
      text += QStringLiteral("%1,%2,%3\n")
                  .arg(m_model.headerData(row, Qt::Vertical, Qt::DisplayRole).toString(),
                       csvQuoted(m_model.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString()))
                  .arg(m_model.data(m_model.index(row, column), ValueRole).toDouble(), 0, 'g', 6);
  return text;
}

}  // namespace kvatlas::views
