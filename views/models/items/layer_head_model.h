// The layer × head grid: one number per cell, in the order of the model or sorted by that number, read lazily.
// Qt Core only.
#pragma once

#include <QAbstractTableModel>
#include <optional>
#include <utility>
#include <vector>

#include "core/analysis/head_statistics.h"
#include "views/models/document/selection.h"

namespace kvatlas::views {

class HeadStatisticsCache;

struct GridCell {
  LayerIndex layer;
  std::uint32_t head = 0;  // a query head; a KV head where the grid is grouped
  friend constexpr auto operator<=>(GridCell, GridCell) = default;
};

// Rows are layers and columns heads; sorted, cells follow one another row by row. Retained and Kept are of the run in
// focus. DisplayRole: the number as text; ValueRole, LayerRole, HeadRole, CurrentRole.
class LayerHeadModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Sorting { InOrder, Ascending, Descending };
  Q_ENUM(Sorting)

  LayerHeadModel(Document& document, Selection& selection, QObject* parent = nullptr);

  void setMetric(analysis::HeadMetric metric);
  [[nodiscard]] analysis::HeadMetric metric() const { return m_metric; }
  void setGrouped(bool by_kv_head);  // one column per KV head: the mean over its query heads
  [[nodiscard]] bool grouped() const { return m_grouped; }
  // Cells whose number is not known yet or does not exist come last, in the order of the model.
  void setSorting(Sorting sorting);
  [[nodiscard]] Sorting sorting() const { return m_sorting; }

  [[nodiscard]] GridCell cellAt(const QModelIndex& index) const;
  [[nodiscard]] QModelIndex indexOf(GridCell cell) const;
  [[nodiscard]] float value(GridCell cell) const;                      // NaN: unknown
  [[nodiscard]] std::optional<std::pair<float, float>> range() const;  // of the known numbers
  void open(const QModelIndex& index);                                 // selects its layer and head

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void rangeChanged();  // more numbers are known

 private:
  void restart();
  void wantAll();
  void takeLayer(LayerIndex layer);
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
  RunPointer m_run;
  HeadStatisticsCache* m_statistics;                                      // a child
  mutable std::optional<std::optional<std::pair<float, float>>> m_range;  // as it was worked out last
  std::vector<GridCell> m_order;                                          // sorted; empty: in order
  std::optional<GridCell> m_current;
};

}  // namespace kvatlas::views
