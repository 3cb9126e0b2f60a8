#include "views/pages/grid_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPainter>
#include <QScrollBar>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/models/colour_table.h"
#include "views/models/items/model_roles.h"
#include "views/models/qt_text.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kSmallestCell = 9, kLargestCell = 96;
constexpr int kCellWithText = 26;  // pixels: below that a number cannot be read
constexpr int kMaps = -1;          // the first entry of the list of metrics
constexpr QSize kStrip(72, 9);

QPixmap colourStrip(const ColourTable& table) {
  QPixmap pixmap(kStrip);
  QPainter painter(&pixmap);
  for (int x = 0; x < kStrip.width(); ++x)
    painter.fillRect(x, 0, 1, kStrip.height(), toColour(table.at(x / double(kStrip.width() - 1))));
  return pixmap;
}

}  // namespace

GridDelegate::GridDelegate(const LayerHeadModel& model, LayerHeadThumbnails& thumbnails, QObject* parent)
    : QStyledItemDelegate(parent), m_model(model), m_thumbnails(thumbnails) {}

void GridDelegate::paintNumber(QPainter& painter, const QRect& area, const QModelIndex& index) const {
  const auto range = m_model.range();
  const float value = index.data(ValueRole).toFloat();
  // Where all numbers are one, it is in the middle of the colours.
  const float margin = range && range->first == range->second ? 0.5F : 0;
  const ValueScale scale{ScaleKind::Linear, range ? static_cast<double>(range->first - margin) : 0,
                         range ? static_cast<double>(range->second + margin) : 1};
  const QString text = area.width() >= kCellWithText ? index.data(Qt::DisplayRole).toString() : QString();
  m_thumbnails.paintNumber(painter, area, range ? static_cast<double>(value) : std::nan(""), scale, text);
}

void GridDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  if (!index.data(LayerRole).isValid()) return;
  const QRect area = option.rect.adjusted(0, 0, -1, -1);
  if (m_maps) {
    const LayerIndex layer(std::size_t{index.data(LayerRole).toUInt()});
    const HeadChoice head{m_model.grouped() ? HeadChoice::MaxOverGroup : HeadChoice::QueryHead,
                          index.data(HeadRole).toUInt()};
    m_thumbnails.paintMap(*painter, area, layer, head);
  } else {
    QFont small = option.font;
    small.setPointSizeF(std::max(6.5, small.pointSizeF() - 2));
    painter->setFont(small);
    paintNumber(*painter, area, index);
  }
  if (!index.data(CurrentRole).toBool()) return;
  painter->setPen(QPen(QColor(Qt::white), 1));
  painter->drawRect(area.adjusted(2, 2, -3, -3));
  painter->setPen(QPen(QColor(0xD5, 0x5E, 0x00), 2));
  painter->drawRect(area.adjusted(1, 1, -1, -1));
}

GridPage::GridPage(Document& document, Selection& selection, TileSource& tiles, QWidget* parent)
    : QWidget(parent),
      m_model(document, selection),
      m_thumbnails(&tiles),
      m_metric(new QComboBox),
      m_sorting(new QComboBox),
      m_grouped(new QCheckBox(tr("by KV head"))),
      m_low(new QLabel),
      m_high(new QLabel),
      m_strip(new QLabel),
      m_table(new QTableView),
      m_delegate(new GridDelegate(m_model, m_thumbnails, this)) {
  setObjectName(QStringLiteral("gridPage"));
  makeTable();
  makeChoices();
  auto* choices = new QHBoxLayout;
  choices->addWidget(m_metric, 1);
  choices->addWidget(m_sorting, 1);
  auto* foot = new QHBoxLayout;
  for (QLabel* label : {m_low, m_strip, m_high}) foot->addWidget(label);
  foot->addStretch(1);
  foot->addWidget(m_grouped);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 4, 6, 4);
  column->setSpacing(4);
  column->addLayout(choices);
  column->addWidget(m_table, 1);
  column->addLayout(foot);
  connect(&m_model, &LayerHeadModel::rangeChanged, this, &GridPage::showRange);
  connect(&m_model, &QAbstractItemModel::modelReset, this, &GridPage::fitCells);
  connect(&m_model, &QAbstractItemModel::layoutChanged, this, &GridPage::fitCells);
  const auto repaint = [this] { m_table->viewport()->update(); };
  connect(&m_thumbnails, &LayerHeadThumbnails::arrived, this, repaint);
  connect(&m_thumbnails, &LayerHeadThumbnails::changed, this, repaint);
  m_thumbnails.setColours(m_colours, themeOf(palette()));
  showChoice();
}

void GridPage::makeTable() {
  m_table->setObjectName(QStringLiteral("gridTable"));
  m_table->setModel(&m_model);
  m_table->setItemDelegate(m_delegate);
  m_table->setShowGrid(false);
  m_table->setFrameShape(QFrame::NoFrame);
  m_table->setSelectionMode(QAbstractItemView::NoSelection);
  m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
  for (QHeaderView* header : {m_table->horizontalHeader(), m_table->verticalHeader()}) {
    header->setSectionResizeMode(QHeaderView::Fixed);
    header->setMinimumSectionSize(kSmallestCell);
    header->setHighlightSections(false);
  }
  connect(m_table, &QTableView::clicked, this, [this](const QModelIndex& index) { m_model.open(index); });
  for (QScrollBar* bar : {m_table->verticalScrollBar(), m_table->horizontalScrollBar()})
    connect(bar, &QScrollBar::valueChanged, &m_thumbnails, &LayerHeadThumbnails::forgetWishes);
}

void GridPage::makeChoices() {
  m_metric->setObjectName(QStringLiteral("gridMetric"));
  m_sorting->setObjectName(QStringLiteral("gridSorting"));
  m_grouped->setObjectName(QStringLiteral("gridGrouped"));
  m_metric->addItem(tr("small maps"), kMaps);
  for (const analysis::HeadMetric metric : analysis::kHeadMetrics) {
    m_metric->addItem(toQString(titleOf(metric)), static_cast<int>(metric));
    m_metric->setItemData(m_metric->count() - 1, toQString(meaningOf(metric)), Qt::ToolTipRole);
  }
  m_metric->setCurrentIndex(1);
  m_sorting->addItems({tr("in order"), tr("lowest first"), tr("highest first")});
  connect(m_metric, &QComboBox::currentIndexChanged, this, &GridPage::showChoice);
  connect(m_sorting, &QComboBox::currentIndexChanged, this,
          [this](int index) { m_model.setSorting(static_cast<LayerHeadModel::Sorting>(index)); });
  connect(m_grouped, &QCheckBox::toggled, this, [this](bool grouped) { m_model.setGrouped(grouped); });
}

// Small maps stay in the order of the number that was shown last.
void GridPage::showChoice() {
  const int chosen = m_metric->currentData().toInt();
  m_delegate->setMaps(chosen == kMaps);
  if (chosen != kMaps) m_model.setMetric(static_cast<analysis::HeadMetric>(chosen));
  showRange();
}

void GridPage::setColours(const ColourSettings& colours) {
  m_colours = colours;
  m_thumbnails.setColours(m_colours, themeOf(palette()));
  showRange();
}

// Square cells, as large as the page allows; names of layers and heads where there is room for them.
void GridPage::fitCells() {
  const int columns = std::max(1, m_model.columnCount()), rows = std::max(1, m_model.rowCount());
  const bool ordered = m_model.sorting() == LayerHeadModel::InOrder;
  for (const bool named : {true, false}) {
    m_table->horizontalHeader()->setVisible(named && ordered);
    m_table->verticalHeader()->setVisible(named && ordered);
    m_table->verticalHeader()->setFixedWidth(fontMetrics().horizontalAdvance(QStringLiteral("L000")));
    const int left = named && ordered ? m_table->verticalHeader()->width() : 0;
    const int top = named && ordered ? m_table->horizontalHeader()->sizeHint().height() : 0;
    const QSize room = m_table->size() - QSize(left, top) - QSize(2, 2);
    const int side = std::clamp(std::min(room.width() / columns, room.height() / rows), kSmallestCell, kLargestCell);
    m_table->horizontalHeader()->setDefaultSectionSize(side);
    m_table->verticalHeader()->setDefaultSectionSize(side);
    if (side >= kCellWithText) break;
  }
}

void GridPage::showRange() {
  const auto range = m_model.range();
  const bool maps = m_metric->currentData().toInt() == kMaps;
  const auto text = [](float value) { return QString::number(static_cast<double>(value), 'g', 3); };
  const auto limit = [](double value) { return QString::number(value, 'g', 2); };
  m_low->setText(maps ? limit(m_colours.low) : range ? text(range->first) : QString());
  m_high->setText(maps ? limit(m_colours.high) : range ? text(range->second) : QString());
  m_strip->setPixmap(colourStrip(colourTable(m_colours.table)));
  m_strip->setVisible(maps || range);
  m_table->viewport()->update();
}

QString GridPage::csv() const {
  QString text = QStringLiteral("layer,head,%1\n").arg(toQString(titleOf(m_model.metric())));
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

void GridPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) m_thumbnails.setColours(m_colours, themeOf(palette()));
}

}  // namespace kvatlas::views
