#include "views/pages/grid_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPainter>
#include <QScrollBar>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/models/colour_table.h"
#include "views/models/items/model_roles.h"
#include "views/models/qt_text.h"
#include "views/pages/table_keys.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kSmallestCell = 9, kLargestCell = 96;
constexpr int kCellWithText = 22,
              kCellWithName = 40;  // pixels: narrowest cell with a readable number, and with its name
constexpr int kMaps = -1;          // "thumbnails" in the list of metrics
// kSpanMetric or kSpanKept + index of the span.
constexpr int kSpanMetric = 1000, kLostMass = 2000, kAgreement = 2001, kSpanKept = 3000;
constexpr int kMostSpans = 20;
constexpr double kFlattest = 0.4;    // height / width of a cell
constexpr double kMapStretch = 2.5;  // longer / shorter side of a thumbnail, so that the grid fills its panel
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
  // If all numbers are equal, they get the middle colour.
  const float margin = range && range->first == range->second ? 0.5F : 0;
  const ValueScale scale{ScaleKind::Linear, range ? static_cast<double>(range->first - margin) : 0,
                         range ? static_cast<double>(range->second + margin) : 1};
  QString text = area.width() >= kCellWithText ? index.data(Qt::DisplayRole).toString() : QString();
  if (m_named && area.width() >= kCellWithName)
    text = QStringLiteral("%1·%2 %3").arg(index.data(LayerRole).toInt()).arg(index.data(HeadRole).toInt()).arg(text);
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
    small.setPixelSize(std::clamp(std::min(area.width() * 2 / 5, area.height() - 2), 8, 12));
    painter->setFont(small);
    paintNumber(*painter, area, index);
  }
  if (!index.data(MatchRole).toBool()) {
    QColor veil = option.palette.color(QPalette::Base);
    veil.setAlpha(215);
    painter->fillRect(area, veil);
  }
  if (option.state.testFlag(QStyle::State_HasFocus)) {
    painter->setPen(QPen(option.palette.color(QPalette::Text), 1, Qt::DotLine));
    painter->drawRect(area.adjusted(0, 0, -1, -1));
  }
  if (!index.data(CurrentRole).toBool()) return;
  if (area.height() >= kCellWithText) {  // flat cells need the room for their number
    painter->setPen(QPen(QColor(Qt::white), 1));
    painter->drawRect(area.adjusted(2, 2, -3, -3));
  }
  painter->setPen(QPen(QColor(0xD5, 0x5E, 0x00), 2));
  painter->drawRect(area.adjusted(1, 1, -1, -1));
}

GridPage::GridPage(Document& document, Selection& selection, TileSource& tiles, QWidget* parent)
    : QWidget(parent),
      m_model(document, selection),
      m_thumbnails(&tiles),
      m_metric(new QComboBox),
      m_sorting(new QComboBox),
      m_filter(new QLineEdit),
      m_count(new QLabel),
      m_document(document),
      m_grouped(new QCheckBox(tr("group by KV head"))),
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
  auto* filter = new QHBoxLayout;
  filter->addWidget(m_filter, 1);
  filter->addWidget(m_count);
  auto* foot = new QHBoxLayout;
  for (QLabel* label : {m_low, m_strip, m_high}) foot->addWidget(label);
  foot->addStretch(1);
  foot->addWidget(m_grouped);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 4, 6, 4);
  column->setSpacing(4);
  column->addLayout(choices);
  column->addLayout(filter);
  column->addWidget(m_table, 1);
  column->addLayout(foot);
  connect(&m_model, &LayerHeadModel::rangeChanged, this, &GridPage::showRange);
  for (const auto signal : {&Document::opened, &Document::closed, &Document::spansChanged})
    connect(&document, signal, this, &GridPage::fillMetrics);
  connect(&document, &Document::opened, this, &GridPage::suggestSpan);
  connect(m_metric, &QComboBox::activated, this, [this] { m_suggesting = false; });
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
  m_table->setAccessibleName(tr("Layer × head"));
  m_table->setSelectionMode(QAbstractItemView::NoSelection);
  m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
  for (QHeaderView* header : {m_table->horizontalHeader(), m_table->verticalHeader()}) {
    header->setSectionResizeMode(QHeaderView::Fixed);
    header->setMinimumSectionSize(kSmallestCell);
    header->setHighlightSections(false);
  }
  connect(m_table, &QTableView::clicked, this, [this](const QModelIndex& index) { m_model.open(index); });
  new TableKeys(*m_table, [this](const QModelIndex& index) { m_model.open(index); });
  for (QScrollBar* bar : {m_table->verticalScrollBar(), m_table->horizontalScrollBar()})
    connect(bar, &QScrollBar::valueChanged, &m_thumbnails, &LayerHeadThumbnails::forgetWishes);
}

void GridPage::makeChoices() {
  m_metric->setObjectName(QStringLiteral("gridMetric"));
  m_metric->setAccessibleName(tr("Number of the grid"));
  m_metric->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_metric->setMinimumContentsLength(8);
  m_sorting->setObjectName(QStringLiteral("gridSorting"));
  m_sorting->setAccessibleName(tr("Order of the grid"));
  m_grouped->setObjectName(QStringLiteral("gridGrouped"));
  m_filter->setObjectName(QStringLiteral("gridFilter"));
  m_filter->setAccessibleName(tr("Filter of the grid"));
  m_filter->setPlaceholderText(tr("filter, for example < 0.7"));
  m_filter->setToolTip(tr("Fades the heads whose number does not match: < 0.7 or > 0.1"));
  m_filter->setClearButtonEnabled(true);
  m_count->setObjectName(QStringLiteral("gridCount"));
  fillMetrics();
  m_sorting->addItems({tr("by layer and head"), tr("lowest first"), tr("highest first")});
  connect(m_metric, &QComboBox::currentIndexChanged, this, &GridPage::showChoice);
  connect(m_filter, &QLineEdit::textChanged, this, &GridPage::applyFilter);
  connect(m_sorting, &QComboBox::currentIndexChanged, this, [this](int index) {
    m_delegate->setNamed(index != LayerHeadModel::InOrder);
    m_model.setSorting(static_cast<LayerHeadModel::Sorting>(index));
  });
  connect(m_grouped, &QCheckBox::toggled, this, [this](bool grouped) { m_model.setGrouped(grouped); });
}

// Thumbnails, the metrics of a head, attention on each named span, and comparisons of runs.
void GridPage::fillMetrics() {
  const QVariant chosen =
      m_metric->count() > 0 ? m_metric->currentData() : QVariant(static_cast<int>(analysis::HeadMetric::Entropy));
  const QSignalBlocker quiet(m_metric);
  m_metric->clear();
  const auto add = [this](const QString& title, int value, const QString& meaning) {
    m_metric->addItem(title, value);
    m_metric->setItemData(m_metric->count() - 1, meaning, Qt::ToolTipRole);
  };
  add(tr("thumbnails"), kMaps, tr("The map of every head, small"));
  for (const analysis::HeadMetric metric : analysis::kHeadMetrics)
    add(toQString(titleOf(metric)), static_cast<int>(metric), toQString(meaningOf(metric)));
  if (m_document.isOpen()) {
    const auto& spans = m_document.prompt().spans;
    for (int i = 0; i < std::min<int>(static_cast<int>(spans.size()), kMostSpans); ++i) {
      const QString name = QString::fromStdString(spans[static_cast<std::size_t>(i)].name);
      add(tr("attention on %1").arg(name), kSpanMetric + i,
          tr("Share of the attention of the prompt's last queries on this span (retrieval score)"));
      add(tr("kept of %1").arg(name), kSpanKept + i,
          tr("Share of this span's tokens that the focused run keeps: 0 where it has lost them"));
    }
  }
  add(tr("lost mass"), kLostMass, tr("Mass of the full attention on tokens that the focused run evicts"));
  add(tr("agreement A, B"), kAgreement, tr("Jaccard index of what the focused and the compared run keep"));
  m_metric->setCurrentIndex(std::max(m_metric->findData(chosen), 1));
  if (m_metric->findData(chosen) < 0 || chosen.toInt() >= kSpanMetric) showChoice();
}

// As the first picture: the heads that attend to the first named span. Only while the user has chosen no number.
void GridPage::suggestSpan() {
  const int span = m_metric->findData(kSpanMetric);
  if (m_suggesting && span >= 0) m_metric->setCurrentIndex(span);
}

void GridPage::applyFilter() {
  const auto filter = parseFilter(m_filter->text());
  m_model.setFilter(filter);
  const int all = m_model.rowCount() * m_model.columnCount();
  m_count->setText(m_filter->text().isEmpty() ? QString()
                   : filter                   ? tr("%1 of %2").arg(m_model.matching()).arg(all)
                                              : tr("type < or > and a number"));
  m_table->viewport()->update();
}

QVariantMap GridPage::choices() const {
  return {{QStringLiteral("metric"), m_metric->currentData()},
          {QStringLiteral("sorting"), m_sorting->currentIndex()},
          {QStringLiteral("grouped"), m_grouped->isChecked()}};
}

void GridPage::setChoices(const QVariantMap& choices) {
  const int metric = m_metric->findData(choices.value(QStringLiteral("metric"), m_metric->currentData()).toInt());
  if (metric >= 0) m_metric->setCurrentIndex(metric);
  // Numbers about a span belong to the trace that was open.
  m_suggesting = choices.value(QStringLiteral("metric"), kSpanMetric).toInt() >= kSpanMetric;
  m_sorting->setCurrentIndex(
      std::clamp(choices.value(QStringLiteral("sorting"), 0).toInt(), 0, m_sorting->count() - 1));
  m_grouped->setChecked(choices.value(QStringLiteral("grouped"), false).toBool());
}

// Thumbnails keep the order of the last metric.
void GridPage::showChoice() {
  const int chosen = m_metric->currentData().toInt();
  m_delegate->setMaps(chosen == kMaps);
  if (chosen == kLostMass || chosen == kAgreement) {
    m_model.setExtra(chosen == kLostMass ? ExtraMetric::LostMass : ExtraMetric::Agreement);
  } else if (chosen >= kSpanMetric && m_document.isOpen()) {
    const bool kept = chosen >= kSpanKept;
    const auto at = static_cast<std::size_t>(chosen - (kept ? kSpanKept : kSpanMetric));
    const trace::Span& span = m_document.prompt().spans.at(at);
    m_model.setExtra(kept ? ExtraMetric::SpanKept : ExtraMetric::SpanAttention, {span.begin, span.end},
                     QString::fromStdString(span.name));
  } else if (chosen != kMaps && chosen < kSpanMetric) {
    m_model.setMetric(static_cast<analysis::HeadMetric>(chosen));
  }
  fitCells();
  applyFilter();
  showRange();
}

void GridPage::setColours(const ColourSettings& colours) {
  m_colours.table = colours.table;
  m_thumbnails.setColours(m_colours, themeOf(palette()));
  showRange();
}

// Cells as large as the page allows; numbers may be flat, thumbnails nearly so. Named rows and columns in model order.
void GridPage::fitCells() {
  const int columns = std::max(1, m_model.columnCount()), rows = std::max(1, m_model.rowCount());
  const bool ordered = m_model.sorting() == LayerHeadModel::InOrder, maps = m_metric->currentData().toInt() == kMaps;
  QFont small = font();
  small.setPixelSize(9);
  for (QHeaderView* header : {m_table->horizontalHeader(), m_table->verticalHeader()}) {
    header->setFont(small);
    header->setVisible(ordered);
  }
  m_table->verticalHeader()->setFixedWidth(QFontMetrics(small).horizontalAdvance(QStringLiteral("L000")) + 4);
  const QSize room = m_table->size() -
                     QSize(ordered ? m_table->verticalHeader()->width() : 0,
                           ordered ? m_table->horizontalHeader()->sizeHint().height() : 0) -
                     QSize(2, 2);
  int width = std::clamp(room.width() / columns, kSmallestCell, kLargestCell);
  int height = std::clamp(room.height() / rows, kSmallestCell, kLargestCell);
  if (maps) {
    width = std::min(width, static_cast<int>(height * kMapStretch));
    height = std::min(height, static_cast<int>(width * kMapStretch));
  } else {
    height = std::clamp(height, static_cast<int>(width * kFlattest), std::max(width, kSmallestCell));
  }
  if (!maps && height * rows > room.height()) height = std::max(room.height() / rows, kSmallestCell);
  m_table->horizontalHeader()->setDefaultSectionSize(width);
  m_table->verticalHeader()->setDefaultSectionSize(height);
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
  QString text = QStringLiteral("layer,head,%1\n").arg(m_model.title());
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
