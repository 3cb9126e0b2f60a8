// Which cases of a run the list shows: those that one branch answers wrongly and another rightly, of a set or a cell of
// a grid, with a text in them.
#pragma once

#include <QSortFilterProxyModel>
#include <optional>

#include "core/results/facets.h"
#include "views/models/results/case_model.h"

namespace kvatlas::views {

struct CaseConditions {
  std::optional<std::size_t> wrong_with, right_with;  // branches
  double right_from = 0.5;                            // scores from here on are right
  QString text;                                       // in id, question, expected or given answers; any case
  std::string set;                                    // see results::setOf; empty: all
  results::Facets where;                              // that the case must have
};

class CaseFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit CaseFilter(CaseModel& cases, QObject* parent = nullptr);

  void setConditions(const CaseConditions& conditions);
  [[nodiscard]] const CaseConditions& conditions() const { return m_conditions; }

 protected:
  [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  CaseModel& m_cases;
  CaseConditions m_conditions;
};

}  // namespace kvatlas::views
