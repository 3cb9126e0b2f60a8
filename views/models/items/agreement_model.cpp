#include "views/models/items/agreement_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/analysis/agreement.h"
#include "views/models/items/model_roles.h"

namespace kvatlas::views {

AgreementModel::AgreementModel(Document& document, Selection& selection, QObject* parent)
    : QAbstractTableModel(parent), m_document(document), m_selection(selection) {
  for (const auto signal : {&Selection::reset, &Selection::focusRunChanged, &Selection::hiddenRunsChanged})
    connect(&selection, signal, this, &AgreementModel::restart);
  connect(&document, &Document::refreshed, this, &AgreementModel::restart);
  connect(&document, &Document::runListChanged, this, &AgreementModel::restart);
  connect(&document, &Document::runReady, this, &AgreementModel::runRead);
  restart();
}

void AgreementModel::restart() {
  beginResetModel();
  m_columns.clear();
  m_runs.clear();
  m_focus = m_selection.focusRun();
  m_layers = m_document.isOpen() ? static_cast<int>(m_document.model().layers) : 0;
  for (const RunId run : m_selection.visibleRuns())
    if (m_focus != kNoRun && run != m_focus && !m_document.runHeader(run).is_full) m_runs.push_back(run);
  endResetModel();
}

void AgreementModel::runRead(RunId id) {
  if (m_layers == 0 || m_runs.empty()) return;
  const int last = static_cast<int>(m_runs.size()) - 1;
  if (id == m_focus) {
    m_columns.clear();
    emit dataChanged(index(0, 0), index(m_layers, last));
    return;
  }
  const auto found = std::find(m_runs.begin(), m_runs.end(), id);
  if (found == m_runs.end()) return;
  m_columns.erase(id);
  const int column = static_cast<int>(found - m_runs.begin());
  emit dataChanged(index(0, column), index(m_layers, column));
}

double AgreementModel::value(int row, RunId run) const {
  auto found = m_columns.find(run);
  if (found == m_columns.end()) {
    const RunPointer focus = m_document.run(m_focus), other = m_document.run(run);
    if (!focus || !other) return std::numeric_limits<double>::quiet_NaN();
    std::vector<double> column = analysis::agreementPerLayer(focus->data(), other->data());
    column.push_back(std::accumulate(column.begin(), column.end(), 0.0) / static_cast<double>(column.size()));
    found = m_columns.emplace(run, std::move(column)).first;
  }
  const auto at = static_cast<std::size_t>(row);
  return at < found->second.size() ? found->second[at] : std::numeric_limits<double>::quiet_NaN();
}

void AgreementModel::open(const QModelIndex& index) {
  if (!index.isValid() || !checkIndex(index)) return;
  if (index.row() < m_layers) m_selection.setLayer(LayerIndex(static_cast<std::size_t>(index.row())));
  m_selection.setCompareRun(m_runs[static_cast<std::size_t>(index.column())]);
}

int AgreementModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() || m_layers == 0 ? 0 : m_layers + 1;
}

int AgreementModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_runs.size());
}

QVariant AgreementModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !checkIndex(index)) return {};
  const RunId run = m_runs[static_cast<std::size_t>(index.column())];
  if (role == RunRole) return run;
  if (role == LayerRole) return index.row() < m_layers ? QVariant(index.row()) : QVariant();
  if (role != Qt::DisplayRole && role != ValueRole && role != SortRole) return {};
  const double number = value(index.row(), run);
  if (role != Qt::DisplayRole) return static_cast<float>(number);
  return std::isnan(number) ? QStringLiteral("–") : QString::number(number, 'f', 2);
}

QVariant AgreementModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation == Qt::Vertical) {
    if (role != Qt::DisplayRole) return {};
    return section < m_layers ? QStringLiteral("L%1").arg(section) : QStringLiteral("mean");
  }
  const auto at = static_cast<std::size_t>(section);
  if (at >= m_runs.size() || (role != Qt::DisplayRole && role != ColourRole)) return {};
  const trace::RunHeader& header = m_document.runHeader(m_runs[at]);
  if (role == Qt::DisplayRole) return QString::fromStdString(m_document.runTitle(m_runs[at]) + " " + header.budget);
  const Rgb colour = methodColour(header.method);
  return 0xFF000000U | (std::uint32_t{colour.r} << 16U) | (std::uint32_t{colour.g} << 8U) | colour.b;
}

}  // namespace kvatlas::views
