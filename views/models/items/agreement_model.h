// Layer × run matrix: agreement (Jaccard index) of the focus run's kept tokens with every other visible run. Qt Core
// only.
#pragma once

#include <QAbstractTableModel>
#include <map>
#include <vector>

#include "views/models/document/selection.h"

namespace kvatlas::views {

// Rows: layers, then their mean. Columns: the other visible runs except full. DisplayRole "0.71",
// ValueRole, LayerRole (not for the mean), RunRole.
class AgreementModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  AgreementModel(Document& document, Selection& selection, QObject* parent = nullptr);

  void open(const QModelIndex& index);  // selects the layer and the run to compare with

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  void restart();
  void runRead(RunId id);
  [[nodiscard]] double value(int row, RunId run) const;

  Document& m_document;
  Selection& m_selection;
  int m_layers = 0;
  RunId m_focus = kNoRun;
  std::vector<RunId> m_runs;
  mutable std::map<RunId, std::vector<double>> m_columns;  // last entry: the mean
};

}  // namespace kvatlas::views
