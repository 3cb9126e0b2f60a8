#include "views/models/items/layer_head_model.h"

#include <QRegularExpression>
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/analysis/mass.h"
#include "views/models/items/head_statistics_cache.h"
#include "views/models/items/model_roles.h"

namespace kvatlas::views {
namespace {

using analysis::HeadMetric;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Jaccard index of the lists that serve a query head; NaN without two runs.
float agreementOf(const RunPointer& a, const RunPointer& b, LayerIndex layer, HeadIndex head) {
  if (!a || !b) return kNan;
  if (a->everything() && b->everything()) return 1;
  const auto list = [&](const RunView& run) {
    return run.kept(layer, analysis::storedHead(run.run.header, run.model, head.value));
  };
  const auto all = static_cast<float>(a->tokens);
  if (a->everything()) return static_cast<float>(list(*b).size()) / all;
  if (b->everything()) return static_cast<float>(list(*a).size()) / all;
  return static_cast<float>(analysis::jaccard(list(*a), list(*b)));
}

// Share of the tokens of a range that the list of a query head holds; NaN without a run.
float keptShare(const RunPointer& run, TokenRange range, LayerIndex layer, HeadIndex head) {
  if (!run || range.begin >= range.end) return kNan;
  if (run->everything()) return 1;
  const auto list = run->kept(layer, analysis::storedHead(run->run.header, run->model, head.value));
  const auto first = std::ranges::lower_bound(list, range.begin), last = std::ranges::lower_bound(list, range.end);
  return static_cast<float>(last - first) / static_cast<float>(range.end - range.begin);
}

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
  m_span = new SpanAttention(document, this);
  connect(m_span, &SpanAttention::arrived, this, [this](LayerIndex layer) {
    if (m_extra == ExtraMetric::SpanAttention) layerRead(layer);
  });
  connect(&selection, &Selection::reset, this, &LayerHeadModel::restart);
  connect(&document, &Document::refreshed, this, &LayerHeadModel::restart);
  connect(&selection, &Selection::focusRunChanged, this, [this] {
    m_run = m_document.run(m_selection.focusRun());
    if (runMetricShown()) valuesChanged();
  });
  connect(&selection, &Selection::compareRunChanged, this, [this] {
    m_other = m_document.run(m_selection.compareRun());
    if (m_extra == ExtraMetric::Agreement) valuesChanged();
  });
  connect(&document, &Document::runReady, this, [this](int id) {
    if (id == m_selection.focusRun()) m_run = m_document.run(id);
    if (id == m_selection.compareRun()) m_other = m_document.run(id);
    if ((id == m_selection.focusRun() || id == m_selection.compareRun()) && runMetricShown()) valuesChanged();
  });
  connect(m_statistics, &HeadStatisticsCache::arrived, this, [this](LayerIndex layer) {
    if (!m_extra) layerRead(layer);
  });
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
  m_span->clear();
  m_range.reset();
  m_order.clear();
  const bool open = m_document.isOpen();
  m_rows = open ? m_document.model().layers : 0;
  m_columns = open ? columnsOfModel() : 0;
  m_run = open ? m_document.run(m_selection.focusRun()) : nullptr;
  m_other = open ? m_document.run(m_selection.compareRun()) : nullptr;
  m_current.reset();
  endResetModel();
  showCurrent();
  if (m_sorting != InOrder || m_extra) requestAll();
}

void LayerHeadModel::setMetric(HeadMetric metric) {
  if (metric == m_metric && !m_extra) return;
  m_metric = metric;
  m_extra.reset();
  valuesChanged();
  if (m_sorting != InOrder) requestAll();
}

void LayerHeadModel::setExtra(ExtraMetric metric, TokenRange span, const QString& span_name) {
  m_extra = metric;
  m_span_name = span_name;
  m_kept_range = span;
  if (metric == ExtraMetric::SpanAttention) m_span->setRange(span);
  valuesChanged();
  requestAll();
}

bool LayerHeadModel::runMetricShown() const {
  return m_extra ? *m_extra != ExtraMetric::SpanAttention : ofRun(m_metric);
}

bool LayerHeadModel::readingDone() const {
  if (m_extra == ExtraMetric::SpanAttention) return m_span->complete();
  return runMetricShown() || m_statistics->complete();
}

std::pair<float, float> LayerHeadModel::possibleRange() const {
  const bool nats = !m_extra && m_metric == HeadMetric::Entropy;
  return {0.0F, nats ? std::log(static_cast<float>(std::max<std::uint64_t>(m_document.tokens(), 2))) : 1.0F};
}

QString LayerHeadModel::title() const {
  if (!m_extra) return QString::fromStdString(std::string(titleOf(m_metric)));
  switch (*m_extra) {
    case ExtraMetric::SpanAttention:
      return tr("attention on %1").arg(m_span_name);
    case ExtraMetric::SpanKept:
      return tr("kept of %1").arg(m_span_name);
    case ExtraMetric::LostMass:
      return tr("lost mass");
    case ExtraMetric::Agreement:
      return tr("agreement A, B");
  }
  return {};
}

QString LayerHeadModel::meaning() const {
  if (!m_extra) return QString::fromStdString(std::string(meaningOf(m_metric)));
  switch (*m_extra) {
    case ExtraMetric::SpanAttention:
      return tr("Share of the attention of the prompt's last queries on these tokens: high in retrieval heads.");
    case ExtraMetric::SpanKept:
      return tr("Share of these tokens that the focused run keeps: 0 where it has lost them.");
    case ExtraMetric::LostMass:
      return tr(
          "Share of the full cache's attention on tokens that the focused run evicts, mean over generated tokens.");
    case ExtraMetric::Agreement:
      return tr("Jaccard index of the tokens that the focused and the compared run keep.");
  }
  return {};
}

void LayerHeadModel::setFilter(std::optional<GridFilter> filter) {
  m_filter = filter;
  arrange();
  if (m_rows > 0 && m_columns > 0)
    emit dataChanged(index(0, 0), index(static_cast<int>(m_rows) - 1, static_cast<int>(m_columns) - 1), {MatchRole});
}

int LayerHeadModel::matching() const {
  int count = 0;
  for (std::uint32_t layer = 0; layer < m_rows; ++layer)
    for (std::uint32_t head = 0; head < m_columns; ++head) {
      const float number = value({LayerIndex(std::size_t{layer}), head});
      count += !m_filter || m_filter->keeps(static_cast<double>(number)) ? 1 : 0;
    }
  return count;
}

std::optional<GridFilter> parseFilter(const QString& text) {
  static const QRegularExpression comparison(QStringLiteral("([<>≤≥])=?\\s*([-+0-9.eE]+)\\s*(%?)\\s*$"));
  const auto match = comparison.match(text.trimmed());
  if (!match.hasMatch()) return std::nullopt;
  bool number = false;
  double value = match.captured(2).toDouble(&number);
  if (!number) return std::nullopt;
  if (match.captured(3) == QLatin1String("%")) value /= 100;
  GridFilter filter;
  (match.captured(1) == QLatin1String("<") || match.captured(1) == QStringLiteral("≤") ? filter.below : filter.above) =
      value;
  return filter;
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
  requestAll();
}

void LayerHeadModel::requestAll() {
  if (runMetricShown()) return;
  if (m_extra) return m_span->requestAll();
  for (std::uint32_t layer = 0; layer < m_rows; ++layer) m_statistics->request(LayerIndex(std::size_t{layer}));
}

void LayerHeadModel::layerRead(LayerIndex layer) {
  if (runMetricShown()) return;
  // Sorts and sets the range once, after all layers are read: cells and colours do not jump.
  if (readingDone()) return valuesChanged();
  if (m_sorting != InOrder) return;
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
        const float last = std::numeric_limits<float>::infinity();
        const bool kept = !std::isnan(number) && (!m_filter || m_filter->keeps(static_cast<double>(number)));
        cells.emplace_back(!kept ? last : m_sorting == Ascending ? number : -number, cell);
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
  if (m_extra == ExtraMetric::SpanAttention) return m_span->value(layer, head);
  if (m_extra == ExtraMetric::SpanKept) return keptShare(m_run, m_kept_range, layer, head);
  if (m_extra == ExtraMetric::LostMass)
    return m_run ? 1 - runMetric(m_run->data(), HeadMetric::Retained, layer, head) : kNan;
  if (m_extra == ExtraMetric::Agreement) return agreementOf(m_run, m_other, layer, head);
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
  if (m_range) return *m_range;  // every painted cell calls this
  std::optional<std::pair<float, float>>& range = m_range.emplace();
  if (!readingDone()) return range = possibleRange();
  if (m_extra == ExtraMetric::SpanKept) return range = m_run ? std::optional(std::pair(0.0F, 1.0F)) : std::nullopt;
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
  if (!index.isValid() || !checkIndex(index)) return;
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
  if (!index.isValid() || !checkIndex(index)) return {};
  const GridCell cell = cellAt(index);
  switch (role) {
    case LayerRole:
      return cell.layer.value;
    case HeadRole:
      return cell.head;
    case CurrentRole:
      return m_current == cell;
    case MatchRole:
      return !m_filter || m_filter->keeps(static_cast<double>(value(cell)));
    case Qt::DisplayRole:
    case Qt::ToolTipRole:
    case ValueRole:
    case SortRole:
      break;
    default:
      return {};
  }
  // The first cell that is shown asks for all: the range of the colours is that of all layers. dataChanged follows.
  if (!runMetricShown() && !m_extra && !m_statistics->requested(cell.layer))
    for (std::uint32_t layer = 0; layer < m_rows; ++layer) m_statistics->request(LayerIndex(std::size_t{layer}));
  const float number = value(cell);
  if (role == ValueRole || role == SortRole) return number;
  const QString text = numberText(m_extra ? HeadMetric::Retained : m_metric, number);
  if (role == Qt::DisplayRole) return text;
  return QStringLiteral("L%1 %2%3: %4 %5\n%6")
      .arg(cell.layer.value)
      .arg(m_grouped ? QStringLiteral("KV") : QStringLiteral("H"))
      .arg(cell.head)
      .arg(title(), text, meaning());
}

QVariant LayerHeadModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole || m_sorting != InOrder) return {};
  if (orientation == Qt::Vertical) return QStringLiteral("L%1").arg(section);
  return (m_grouped ? QStringLiteral("KV%1") : QStringLiteral("H%1")).arg(section);
}

}  // namespace kvatlas::views
