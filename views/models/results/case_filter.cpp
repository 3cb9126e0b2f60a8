#include "views/models/results/case_filter.h"

#include <algorithm>

#include "views/models/items/model_roles.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {
namespace {

bool mentions(std::span<const results::Record> records, const QString& text) {
  const auto has = [&](const std::string& where) { return toQString(where).contains(text, Qt::CaseInsensitive); };
  const results::Record& first = records.front();
  return has(first.case_id) || has(first.question) || has(first.expected) ||
         std::ranges::any_of(records, [&](const results::Record& record) { return has(record.answer); });
}

}  // namespace

CaseFilter::CaseFilter(CaseModel& cases, QObject* parent) : QSortFilterProxyModel(parent), m_cases(cases) {
  setSourceModel(&cases);
  setSortRole(SortRole);
}

void CaseFilter::setConditions(const CaseConditions& conditions) {
  m_conditions = conditions;
  invalidateFilter();
}

bool CaseFilter::filterAcceptsRow(int row, const QModelIndex& parent) const {
  if (parent.isValid() || !m_cases.view()) return false;
  const std::size_t branches = m_cases.view()->plan().branches.size();
  const auto isRight = [&](std::size_t branch) { return m_cases.score(row, branch) >= m_conditions.right_from; };
  if (m_conditions.wrong_with && *m_conditions.wrong_with < branches && isRight(*m_conditions.wrong_with)) return false;
  if (m_conditions.right_with && *m_conditions.right_with < branches && !isRight(*m_conditions.right_with))
    return false;
  const auto records = m_cases.recordsAt(row);
  const results::Facets& facets = records.front().facets;
  if (!m_conditions.set.empty() && results::setOf(m_cases.view()->plan(), facets) != m_conditions.set) return false;
  if (!facets.include(m_conditions.where)) return false;
  return m_conditions.text.isEmpty() || mentions(records, m_conditions.text);
}

}  // namespace kvatlas::views
