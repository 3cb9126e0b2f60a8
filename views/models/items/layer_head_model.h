// The layer × head grid: one number per cell, in model order or sorted by that number, read lazily.
// Qt Core only.
#pragma once

#include <QAbstractTableModel>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/analysis/head_statistics.h"
#include "views/models/items/span_attention.h"

namespace kvatlas::views {

class HeadStatisticsCache;

// Numbers of the grid beside the metrics of core: attention on a span by the prompt's last queries, share of a span's
// tokens that the focus run keeps, mass on the tokens that it evicts, agreement (Jaccard) of focus and compare run.
enum class ExtraMetric { SpanAttention, SpanKept, LostMass, Agreement };

// Keeps cells whose number lies in an open range; others fade and sort last.
struct GridFilter {
  double above = -std::numeric_limits<double>::infinity(), below = std::numeric_limits<double>::infinity();
  [[nodiscard]] bool keeps(double value) const { return value > above && value < below; }
};
// "< 0.7", ">0.1", "retained < 0.7"; empty if it is no comparison with a number.
[[nodiscard]] std::optional<GridFilter> parseFilter(const QString& text);

struct GridCell {
  LayerIndex layer;
  std::uint32_t head = 0;  // a query head; a KV head in a grouped grid
  friend constexpr auto operator<=>(GridCell, GridCell) = default;
};

// Rows are layers and columns heads; sorted cells fill the grid row by row. Retained and Kept refer to the focus
// run. DisplayRole: the number as text; ValueRole, LayerRole, HeadRole, CurrentRole, MatchRole.
class LayerHeadModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Sorting { InOrder, Ascending, Descending };
  Q_ENUM(Sorting)

  LayerHeadModel(Document& document, Selection& selection, QObject* parent = nullptr);

  void setMetric(analysis::HeadMetric metric);
  [[nodiscard]] analysis::HeadMetric metric() const { return m_metric; }
  void setExtra(ExtraMetric metric, TokenRange span = {}, const QString& span_name = {});
  [[nodiscard]] QString title() const;    // of the shown metric
  [[nodiscard]] QString meaning() const;  // one sentence
  void setFilter(std::optional<GridFilter> filter);
  [[nodiscard]] int matching() const;  // cells that the filter keeps
  void setGrouped(bool by_kv_head);    // one column per KV head: the mean over its query heads
  [[nodiscard]] bool grouped() const { return m_grouped; }
  // Cells without a number (unknown or not read yet) come last, in model order.
  void setSorting(Sorting sorting);
  [[nodiscard]] Sorting sorting() const { return m_sorting; }

  [[nodiscard]] GridCell cellAt(const QModelIndex& index) const;
  [[nodiscard]] QModelIndex indexOf(GridCell cell) const;
  [[nodiscard]] float value(GridCell cell) const;  // NaN: unknown
  // Of all numbers. While some are still being read: the range that is possible, so that colours change once at most.
  [[nodiscard]] std::optional<std::pair<float, float>> range() const;
  void open(const QModelIndex& index);  // selects its layer and head

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void rangeChanged();  // more numbers are known

 private:
  void restart();
  [[nodiscard]] bool runMetricShown() const;
  [[nodiscard]] bool readingDone() const;
  [[nodiscard]] std::pair<float, float> possibleRange() const;
  void requestAll();
  void layerRead(LayerIndex layer);
  void arrange();
  void valuesChanged();
  void showCurrent();
  [[nodiscard]] float headValue(LayerIndex layer, HeadIndex head) const;
  [[nodiscard]] std::uint32_t columnsOfModel() const;

  Document& m_document;
  Selection& m_selection;
  analysis::HeadMetric m_metric = analysis::HeadMetric::Entropy;
  bool m_grouped = false;
  Sorting m_sorting = InOrder;
  std::uint32_t m_rows = 0, m_columns = 0;
  RunPointer m_run, m_other;
  std::optional<ExtraMetric> m_extra;
  std::optional<GridFilter> m_filter;
  QString m_span_name;
  TokenRange m_kept_range;                                                // of SpanKept
  SpanAttention* m_span;                                                  // a child
  HeadStatisticsCache* m_statistics;                                      // a child
  mutable std::optional<std::optional<std::pair<float, float>>> m_range;  // cached
  std::vector<GridCell> m_order;                                          // sorted; empty: model order
  std::optional<GridCell> m_current;
};

}  // namespace kvatlas::views
