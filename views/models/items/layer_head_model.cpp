#include "views/models/items/layer_head_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "views/models/items/head_statistics_cache.h"
#include "views/models/items/model_roles.h"

namespace kvatlas::views {
namespace {

using analysis::HeadMetric;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

QString numberText(HeadMetric metric, float value) {
  if (std::isnan(value)) return QStringLiteral("–");
  return QString::number(static_cast<double>(value), 'f', metric == HeadMetric::Kept ? 0 : 2);
}

}  // namespace

LayerHeadModel::LayerHeadModel(Document& document, Selection& selection, QObject* parent)
    : QAbstractTableModel(parent),
      m_document(document),
      m_selection(selection),
      m_statistics(new HeadStatisticsCache(document, this)) {
  connect(&selection, &Selection::reset, this, &LayerHeadModel::restart);
  connect(&document, &Document::refreshed, this, &LayerHeadModel::restart);
  connect(&selection, &Selection::focusRunChanged, this, [this] {
    m_run = m_document.run(m_selection.focusRun());
    if (ofRun(m_metric)) valuesChanged();
  });
  connect(&document, &Document::runReady, this, [this](int id) {
    if (id != m_selection.focusRun()) return;
    m_run = m_document.run(id);
    if (ofRun(m_metric)) valuesChanged();
  });
  connect(m_statistics, &HeadStatisticsCache::arrived, this, &LayerHeadModel::takeLayer);
  connect(&selection, &Selection::layerChanged, this, &LayerHeadModel::showCurrent);
  connect(&selection, &Selection::headChanged, this, &LayerHeadModel::showCurrent);
  restart();
}

std::uint32_t LayerHeadModel::columnsOfModel() const {
  const trace::ModelInfo& model = m_document.model();
  return m_grouped ? model.kv_heads : model.query_heads;
}

void LayerHeadModel::restart() {
  beginResetModel();
  m_statistics->clear();
  m_range.reset();
  m_order.clear();
  const bool open = m_document.isOpen();
  m_rows = open ? m_document.model().layers : 0;
  m_columns = open ? columnsOfModel() : 0;
  m_run = open ? m_document.run(m_selection.focusRun()) : nullptr;
  m_current.reset();
  endResetModel();
  showCurrent();
  if (m_sorting != InOrder) wantAll();
}

void LayerHeadModel::setMetric(HeadMetric metric) {
  if (metric == m_metric) return;
  m_metric = metric;
  valuesChanged();
  if (m_sorting != InOrder) wantAll();
}

void LayerHeadModel::setGrouped(bool by_kv_head) {
  if (by_kv_head == m_grouped) return;
  m_grouped = by_kv_head;
  m_range.reset();
  beginResetModel();
  m_columns = m_document.isOpen() ? columnsOfModel() : 0;
  m_order.clear();
  m_current.reset();
  endResetModel();
  arrange();
  showCurrent();
}

void LayerHeadModel::setSorting(Sorting sorting) {
  if (sorting == m_sorting) return;
  m_sorting = sorting;
  arrange();
  if (sorting != InOrder) wantAll();
}

void LayerHeadModel::wantAll() {
  if (ofRun(m_metric)) return;
  for (std::uint32_t layer = 0; layer < m_rows; ++layer) m_statistics->want(LayerIndex(std::size_t{layer}));
}

void LayerHeadModel::takeLayer(LayerIndex layer) {
  m_range.reset();
  if (ofRun(m_metric)) return;
  if (m_sorting != InOrder) {
    // Sorting anew for every layer would make the grid dance: once, when all that was asked for is there.
    if (m_statistics->complete()) valuesChanged();
    return;
  }
  const int row = static_cast<int>(layer.value);
  emit dataChanged(index(row, 0), index(row, static_cast<int>(m_columns) - 1));
  emit rangeChanged();
}

void LayerHeadModel::valuesChanged() {
  m_range.reset();
  arrange();
  if (m_rows == 0 || m_columns == 0) return;
  emit dataChanged(index(0, 0), index(static_cast<int>(m_rows) - 1, static_cast<int>(m_columns) - 1));
  emit rangeChanged();
}

void LayerHeadModel::arrange() {
  std::vector<GridCell> order;
  if (m_sorting != InOrder) {
    std::vector<std::pair<float, GridCell>> cells;
    for (std::uint32_t layer = 0; layer < m_rows; ++layer) {
      for (std::uint32_t head = 0; head < m_columns; ++head) {
        const GridCell cell{LayerIndex(std::size_t{layer}), head};
        const float number = value(cell);
        const float unknown = std::numeric_limits<float>::infinity();
        cells.emplace_back(std::isnan(number) ? unknown : m_sorting == Ascending ? number : -number, cell);
      }
    }
    std::sort(cells.begin(), cells.end());
    for (const auto& each : cells) order.push_back(each.second);
  }
  if (order == m_order) return;
  emit layoutAboutToBeChanged();
  std::vector<GridCell> held;
  const QModelIndexList old = persistentIndexList();
  for (const QModelIndex& each : old) held.push_back(cellAt(each));
  m_order = std::move(order);
  QModelIndexList now;
  for (const GridCell& cell : held) now << indexOf(cell);
  changePersistentIndexList(old, now);
  emit layoutChanged();
}

void LayerHeadModel::showCurrent() {
  std::optional<GridCell> current;
  const HeadChoice head = m_selection.head();
  if (m_document.isOpen() && (m_grouped ? head.group() : head.kind == HeadChoice::QueryHead))
    current = GridCell{m_selection.layer(), head.index};
  const std::optional<GridCell> old = std::exchange(m_current, current);
  for (const auto& cell : {old, current}) {
    if (!cell) continue;
    const QModelIndex at = indexOf(*cell);
    if (at.isValid()) emit dataChanged(at, at, {CurrentRole});
  }
}

GridCell LayerHeadModel::cellAt(const QModelIndex& index) const {
  const std::size_t at = static_cast<std::size_t>(index.row()) * m_columns + static_cast<std::size_t>(index.column());
  if (at < m_order.size()) return m_order[at];
  return {LayerIndex(static_cast<std::size_t>(index.row())), static_cast<std::uint32_t>(index.column())};
}

QModelIndex LayerHeadModel::indexOf(GridCell cell) const {
  if (cell.layer.value >= m_rows || cell.head >= m_columns) return {};
  std::size_t at = std::size_t{cell.layer.value} * m_columns + cell.head;
  if (const auto found = std::find(m_order.begin(), m_order.end(), cell); found != m_order.end())
    at = static_cast<std::size_t>(found - m_order.begin());
  return index(static_cast<int>(at / m_columns), static_cast<int>(at % m_columns));
}

float LayerHeadModel::headValue(LayerIndex layer, HeadIndex head) const {
  if (ofRun(m_metric)) return m_run ? runMetric(m_run->data(), m_metric, layer, head) : kNan;
  return m_statistics->value(layer, head, m_metric);
}

float LayerHeadModel::value(GridCell cell) const {
  if (!m_document.isOpen()) return kNan;
  const HeadChoice choice{m_grouped ? HeadChoice::MeanOverGroup : HeadChoice::QueryHead, cell.head};
  const std::vector<HeadIndex> heads = headsOf(choice, m_document.model());
  float sum = 0;
  for (const HeadIndex head : heads) sum += headValue(cell.layer, head);
  return sum / static_cast<float>(heads.size());
}

std::optional<std::pair<float, float>> LayerHeadModel::range() const {
  if (m_range) return *m_range;  // every cell that is painted asks for it
  std::optional<std::pair<float, float>>& range = m_range.emplace();
  for (std::uint32_t layer = 0; layer < m_rows; ++layer) {
    for (std::uint32_t head = 0; head < m_columns; ++head) {
      const float number = value({LayerIndex(std::size_t{layer}), head});
      if (std::isnan(number)) continue;
      if (!range) range = {number, number};
      range = {std::min(range->first, number), std::max(range->second, number)};
    }
  }
  return range;
}

void LayerHeadModel::open(const QModelIndex& index) {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return;
  const GridCell cell = cellAt(index);
  m_selection.setLayer(cell.layer);
  m_selection.setHead({m_grouped ? HeadChoice::MeanOverGroup : HeadChoice::QueryHead, cell.head});
}

int LayerHeadModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows);
}

int LayerHeadModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_columns);
}

QVariant LayerHeadModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const GridCell cell = cellAt(index);
  switch (role) {
    case LayerRole:
      return cell.layer.value;
    case HeadRole:
      return cell.head;
    case CurrentRole:
      return m_current == cell;
    case Qt::DisplayRole:
    case Qt::ToolTipRole:
    case ValueRole:
    case SortRole:
      break;
    default:
      return {};
  }
  if (!ofRun(m_metric)) m_statistics->want(cell.layer);  // the answer follows as a change of data
  const float number = value(cell);
  if (role == ValueRole || role == SortRole) return number;
  const QString text = numberText(m_metric, number);
  if (role == Qt::DisplayRole) return text;
  return QString::fromStdString(fmt::format("L{} {}{}: {} {}\n{}", cell.layer.value, m_grouped ? "KV" : "H", cell.head,
                                            titleOf(m_metric), text.toStdString(), meaningOf(m_metric)));
}

QVariant LayerHeadModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole || m_sorting != InOrder) return {};
  if (orientation == Qt::Vertical) return QStringLiteral("L%1").arg(section);
  return (m_grouped ? QStringLiteral("KV%1") : QStringLiteral("H%1")).arg(section);
}

}  // namespace kvatlas::views
