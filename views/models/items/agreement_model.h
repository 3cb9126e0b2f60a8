// Layer × run matrix of how much of the focus run's kept tokens every other visible run keeps too. Qt Core only.
#pragma once

#include <QAbstractTableModel>
#include <map>
#include <vector>

#include "views/models/document/selection.h"

namespace kvatlas::views {

// Rows are layers and a last one with their mean; columns the other visible runs but the full one. DisplayRole "0.71",
// ValueRole, LayerRole (not of the mean), RunRole.
class AgreementModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  AgreementModel(Document& document, Selection& selection, QObject* parent = nullptr);

  void open(const QModelIndex& index);  // selects the layer and compares the focus with the run

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  void restart();
  void takeRun(RunId id);
  [[nodiscard]] double value(int row, RunId run) const;

  Document& m_document;
  Selection& m_selection;
  int m_layers = 0;
  RunId m_focus = kNoRun;
  std::vector<RunId> m_runs;
  mutable std::map<RunId, std::vector<double>> m_columns;  // with the mean at the end
};

}  // namespace kvatlas::views
