#include "views/pages/grid_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPainter>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/models/colour_table.h"
#include "views/models/model_roles.h"
#include "views/models/ticks.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kSmallestCell = 9, kLargestCell = 34;

QString wording(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

}  // namespace

GridDelegate::GridDelegate(const LayerHeadModel& model, QObject* parent)
    : QStyledItemDelegate(parent), m_model(model) {}

QColor GridDelegate::colourOf(float value) const {
  const auto range = m_model.range();
  if (std::isnan(value) || !range) return {};
  const float width = range->second - range->first;
  return toColour(colourTable("viridis").at(width > 0 ? static_cast<double>((value - range->first) / width) : 0.5));
}

void GridDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  if (!index.data(LayerRole).isValid()) return;
  const QRect area = option.rect.adjusted(0, 0, -1, -1);
  const QColor colour = colourOf(index.data(ValueRole).toFloat());
  painter->fillRect(area,
                    colour.isValid() ? QBrush(colour) : QBrush(option.palette.color(QPalette::Mid), Qt::BDiagPattern));
  if (!index.data(CurrentRole).toBool()) return;
  painter->setPen(QPen(QColor(Qt::white), 1));
  painter->drawRect(area.adjusted(1, 1, -2, -2));
  painter->setPen(QPen(QColor(0xD5, 0x5E, 0x00), 2));
  painter->drawRect(area.adjusted(0, 0, -1, -1));
}

GridPage::GridPage(Document& document, Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_model(document, selection),
      m_metric(new QComboBox),
      m_sorting(new QComboBox),
      m_grouped(new QCheckBox(tr("by KV head"))),
      m_range(new QLabel),
      m_table(new QTableView),
      m_delegate(new GridDelegate(m_model, this)) {
  setObjectName(QStringLiteral("gridPage"));
  m_table->setObjectName(QStringLiteral("gridTable"));
  m_table->setModel(&m_model);
  m_table->setItemDelegate(m_delegate);
  m_table->setShowGrid(false);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->setSelectionMode(QAbstractItemView::NoSelection);
  m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
  m_table->horizontalHeader()->hide();
  m_table->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_table->horizontalHeader()->setMinimumSectionSize(kSmallestCell);
  m_table->verticalHeader()->setMinimumSectionSize(kSmallestCell);
  m_table->verticalHeader()->hide();
  makeChoices();
  auto* choices = new QHBoxLayout;
  choices->addWidget(m_metric, 1);
  choices->addWidget(m_sorting, 1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 4, 6, 4);
  column->setSpacing(4);
  column->addLayout(choices);
  column->addWidget(m_table, 1);
  auto* foot = new QHBoxLayout;
  foot->addWidget(m_range, 1);
  foot->addWidget(m_grouped);
  column->addLayout(foot);
  connect(m_table, &QTableView::clicked, this, [this](const QModelIndex& index) { m_model.open(index); });
  connect(&m_model, &LayerHeadModel::rangeChanged, this, &GridPage::showRange);
  connect(&m_model, &QAbstractItemModel::modelReset, this, &GridPage::fitCells);
  connect(&m_model, &QAbstractItemModel::layoutChanged, this, &GridPage::fitCells);
  showRange();
}

void GridPage::makeChoices() {
  for (const HeadMetric metric : kHeadMetrics) {
    m_metric->addItem(wording(titleOf(metric)), static_cast<int>(metric));
    m_metric->setItemData(m_metric->count() - 1, wording(meaningOf(metric)), Qt::ToolTipRole);
  }
  m_sorting->addItems({tr("in order"), tr("lowest first"), tr("highest first")});
  connect(m_metric, &QComboBox::currentIndexChanged, this, [this] {
    m_model.setMetric(static_cast<HeadMetric>(m_metric->currentData().toInt()));
    showRange();
  });
  connect(m_sorting, &QComboBox::currentIndexChanged, this,
          [this](int index) { m_model.setSorting(static_cast<LayerHeadModel::Sorting>(index)); });
  connect(m_grouped, &QCheckBox::toggled, this, [this](bool grouped) { m_model.setGrouped(grouped); });
}

// Square cells, as large as the page allows.
void GridPage::fitCells() {
  const int columns = std::max(1, m_model.columnCount()), rows = std::max(1, m_model.rowCount());
  const QSize room = m_table->viewport()->size();
  const int side = std::clamp(std::min(room.width() / columns, room.height() / rows), kSmallestCell, kLargestCell);
  m_table->horizontalHeader()->setDefaultSectionSize(side);
  m_table->verticalHeader()->setDefaultSectionSize(side);
}

void GridPage::showRange() {
  const auto range = m_model.range();
  m_range->setText(range ? tr("%1 (dark) to %2 (bright)")
                               .arg(static_cast<double>(range->first), 0, 'g', 3)
                               .arg(static_cast<double>(range->second), 0, 'g', 3)
                         : QString());
  m_table->viewport()->update();
}

QString GridPage::csv() const {
  QString text = QStringLiteral("layer,head,%1\n").arg(m_metric->currentText());
  for (int row = 0; row < m_model.rowCount(); ++row)
    for (int column = 0; column < m_model.columnCount(); ++column) {
      const QModelIndex index = m_model.index(row, column);
      if (index.data(LayerRole).isValid())
        text += QStringLiteral("%1,%2,%3\n")
                    .arg(index.data(LayerRole).toInt())
                    .arg(index.data(HeadRole).toInt())
                    .arg(index.data(ValueRole).toDouble(), 0, 'g', 7);
    }
  return text;
}

void GridPage::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  fitCells();
}

}  // namespace kvatlas::views
