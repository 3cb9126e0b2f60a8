// Mean scores as a table of cells: sets × branches, or two facets of one branch (needle: depth × length, RULER: task ×
// length). Qt Core only.
#pragma once

#include <QAbstractTableModel>
#include <QStringList>
#include <optional>
#include <vector>

#include "views/models/results/case_filter.h"

namespace kvatlas::views {

struct ScoreCell {
  std::optional<double> mean;  // 0 … 1; none without a case
  QString text, tip;
  CaseConditions cases;  // the cases it is the mean of
};

struct ScoreCells {
  QString corner;  // what rows and columns are
  QStringList rows, columns;
  QStringList headers;           // of the columns, on two lines; empty: `columns`
  std::vector<ScoreCell> cells;  // [rows, columns]
};

// A row per set, and their average where there are several.
[[nodiscard]] ScoreCells setTable(const ResultsView& view);

// The facets that a grid of this run has; none: the run has no two to show.
[[nodiscard]] std::optional<results::GridAxes> gridAxes(const results::Plan& plan);
[[nodiscard]] ScoreCells facetGrid(const ResultsView& view, std::size_t branch);

class ScoreCellModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  explicit ScoreCellModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

  void show(ScoreCells cells);
  [[nodiscard]] const ScoreCells& cells() const { return m_cells; }
  [[nodiscard]] const ScoreCell& cellAt(const QModelIndex& index) const;

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  // DisplayRole; ValueRole: the mean, NaN without a case; ToolTipRole.
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  ScoreCells m_cells;
};

}  // namespace kvatlas::views
