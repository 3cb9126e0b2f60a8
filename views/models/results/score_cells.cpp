#include "views/models/results/score_cells.h"

#include <QCoreApplication>
#include <limits>

#include "core/base/error.h"
#include "views/models/items/model_roles.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("ScoreCells", text);
}

QString decimals(double score) {
  return QString::number(100 * score, 'f', 1);
}

ScoreCell comparedCell(const results::ComparedCell& cell, const QString& row, const QString& branch) {
  if (cell.count == 0) return {.mean = {}, .text = QStringLiteral("–"), .tip = tr("no case yet"), .cases = {}};
  ScoreCell made{.mean = cell.mean, .text = decimals(cell.mean), .tip = {}, .cases = {}};
  made.tip = tr("%1, %2: %3, cases: %4").arg(row, branch, made.text).arg(cell.count);
  if (!cell.difference) return made;
  const results::Difference& difference = *cell.difference;
  made.tip += tr("; %1 against the full cache").arg(QString::asprintf("%+.1f", 100 * difference.mean));
  if (difference.interval)
    made.tip +=
        QString::asprintf(" (95 %%: %+.1f … %+.1f)", 100 * difference.interval->low, 100 * difference.interval->high);
  if (difference.marked) made.text += QChar(difference.mean < 0 ? 0x25BE : 0x25B4);
  return made;
}

QString facetText(const results::FacetValue& value, std::string_view facet) {
  const QString text = toQString(results::printFacet(value));
  return facet == "depth" ? text + QStringLiteral(" %") : text;
}

}  // namespace

ScoreCells setTable(const ResultsView& view) {
  const results::Comparison& comparison = view.comparison;
  ScoreCells table{.corner = tr("set"), .rows = {}, .columns = {}, .cells = {}};
  for (const results::ComparedBranch& branch : comparison.branches) {
    table.columns << branchText(branch.branch);
    table.headers << branchHeader(branch.branch);
  }
  const auto add = [&](const QString& row, const std::string& set, const auto& cellOf) {
    table.rows << row;
    for (std::size_t b = 0; b < comparison.branches.size(); ++b) {
      table.cells.push_back(comparedCell(cellOf(comparison.branches[b]), row, table.columns[static_cast<int>(b)]));
      table.cells.back().cases.set = set;
    }
  };
  for (std::size_t set = 0; set < comparison.sets.size(); ++set)
    add(toQString(comparison.sets[set]), comparison.sets[set],
        [set](const results::ComparedBranch& branch) -> const results::ComparedCell& { return branch.cells[set]; });
  if (comparison.sets.size() > 1)
    add(tr("average"), {},
        [](const results::ComparedBranch& branch) -> const results::ComparedCell& { return branch.average; });
  return table;
}

std::optional<results::GridAxes> gridAxes(const results::Plan& plan) {
  if (plan.has("depth") && plan.has("length")) return results::GridAxes{"depth", "length"};
  if (plan.grouping() != nullptr && plan.has("length")) return results::GridAxes{plan.grouping()->name, "length"};
  if (plan.grouping() != nullptr && plan.has("bucket")) return results::GridAxes{plan.grouping()->name, "bucket"};
  return {};
}

ScoreCells facetGrid(const ResultsView& view, std::size_t branch) {
  const auto axes = gridAxes(view.plan());
  if (!axes || branch >= view.plan().branches.size()) return {};
  const results::Grid grid = results::gridsOf(view.plan(), view.reader.records(), *axes, {view.score, {}})[branch];
  ScoreCells cells{
      .corner = toQString(fmt::format("{} × {}", axes->rows, axes->columns)), .rows = {}, .columns = {}, .cells = {}};
  for (const results::FacetValue& row : grid.rows) cells.rows << facetText(row, axes->rows);
  for (const results::FacetValue& column : grid.columns) cells.columns << facetText(column, axes->columns);
  for (std::size_t r = 0; r < grid.rows.size(); ++r)
    for (std::size_t c = 0; c < grid.columns.size(); ++c) {
      const std::optional<double>& mean = grid.at(r, c);
      ScoreCell cell{.mean = mean, .text = mean ? decimals(*mean) : QStringLiteral("–"), .tip = {}, .cases = {}};
      cell.tip = QStringLiteral("%1 %2, %3 %4: %5")
                     .arg(toQString(axes->rows), cells.rows[static_cast<int>(r)], toQString(axes->columns),
                          cells.columns[static_cast<int>(c)], mean ? cell.text : tr("no case yet"));
      cell.cases.where.add(std::string(axes->rows), grid.rows[r]);
      cell.cases.where.add(std::string(axes->columns), grid.columns[c]);
      cells.cells.push_back(std::move(cell));
    }
  return cells;
}

void ScoreCellModel::show(ScoreCells cells) {
  const bool same = cells.rows == m_cells.rows && cells.columns == m_cells.columns && cells.corner == m_cells.corner;
  if (same) {
    m_cells = std::move(cells);
    if (rowCount() > 0 && columnCount() > 0) emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    return;
  }
  beginResetModel();
  m_cells = std::move(cells);
  endResetModel();
}

const ScoreCell& ScoreCellModel::cellAt(const QModelIndex& index) const {
  return m_cells.cells[static_cast<std::size_t>(index.row() * columnCount() + index.column())];
}

int ScoreCellModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_cells.rows.size());
}

int ScoreCellModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_cells.columns.size());
}

QVariant ScoreCellModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !checkIndex(index)) return {};
  const ScoreCell& cell = cellAt(index);
  if (role == Qt::DisplayRole) return cell.text;
  if (role == Qt::ToolTipRole) return cell.tip;
  if (role == ValueRole) return static_cast<float>(cell.mean.value_or(std::numeric_limits<double>::quiet_NaN()));
  return {};
}

QVariant ScoreCellModel::headerData(int section, Qt::Orientation orientation, int role) const {
  const QStringList& columns = m_cells.headers.isEmpty() ? m_cells.columns : m_cells.headers;
  const QStringList& names = orientation == Qt::Horizontal ? columns : m_cells.rows;
  return role == Qt::DisplayRole && section >= 0 && section < names.size() ? QVariant(names[section]) : QVariant();
}

}  // namespace kvatlas::views
