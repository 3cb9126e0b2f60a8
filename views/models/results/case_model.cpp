#include "views/models/results/case_model.h"

#include "views/models/figures/branch_name.h"
#include "views/models/items/model_roles.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {
namespace {

constexpr int kRightAligned = Qt::AlignRight | Qt::AlignVCenter;

}  // namespace

QString branchText(const results::Branch& branch) {
  if (branch.method == "full") return QObject::tr("full cache");
  const std::string title = branchTitle({branch.method, branch.label, branch.budget, 0, false});
  return toQString(title + " " + branch.budget);
}

QString branchHeader(const results::Branch& branch) {
  QString text = branchText(branch);
  if (const auto blank = text.lastIndexOf(QLatin1Char(' ')); blank > 0) text[blank] = QLatin1Char('\n');
  return text;
}

QString percentText(double score) {
  return QString::number(100 * score, 'f', 0);
}

QString oneLine(const std::string& text, qsizetype most) {
  const QString line = toQString(text).simplified();
  return line.size() <= most ? line : line.left(most - 1) + QChar(0x2026);
}

bool CaseModel::continues(const ResultsView& view) const {
  return m_view && m_view->reader.settings().sha256() == view.reader.settings().sha256() &&
         m_view->reader.folder() == view.reader.folder() && m_view->score == view.score &&
         m_view->cases() <= view.cases();
}

void CaseModel::show(const ResultsPointer& view) {
  if (!view || !continues(*view)) {
    beginResetModel();
    m_view = view;
    endResetModel();
    return;
  }
  const int before = rowCount(), now = static_cast<int>(view->cases());
  if (now > before) beginInsertRows({}, before, now - 1);
  m_view = view;
  if (now > before) endInsertRows();
}

std::span<const results::Record> CaseModel::recordsAt(int row) const {
  return m_view->records(static_cast<std::size_t>(row));
}

double CaseModel::score(int row, std::size_t branch) const {
  return results::scoreOf(recordsAt(row)[branch], m_view->score);
}

int CaseModel::rowOf(const QString& case_id) const {
  const std::string wanted = case_id.toStdString();
  for (int row = 0; row < rowCount(); ++row)
    if (recordsAt(row).front().case_id == wanted) return row;
  return -1;
}

int CaseModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() || !m_view ? 0 : static_cast<int>(m_view->cases());
}

int CaseModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() || !m_view ? 0 : FirstBranch + static_cast<int>(m_view->plan().branches.size());
}

QVariant CaseModel::ofBranch(int row, std::size_t branch, int role) const {
  switch (role) {
    case Qt::DisplayRole:
      return percentText(score(row, branch));
    case Qt::ToolTipRole:
      return toQString(recordsAt(row)[branch].answer.substr(0, 2000));
    case Qt::TextAlignmentRole:
      return kRightAligned;
    case SortRole:
    case ValueRole:
      return score(row, branch);
    default:
      return {};
  }
}

QVariant CaseModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !checkIndex(index)) return {};
  if (index.column() >= FirstBranch)
    return ofBranch(index.row(), static_cast<std::size_t>(index.column() - FirstBranch), role);
  const results::Record& record = recordsAt(index.row()).front();
  const bool shows = role == Qt::DisplayRole || role == SortRole;
  switch (index.column()) {
    case CaseId:
      // In the order of the run: ids of numbers do not sort as texts.
      if (role == SortRole) return index.row();
      return shows || role == Qt::ToolTipRole ? QVariant(toQString(record.case_id)) : QVariant();
    case Tokens:
      if (role == Qt::TextAlignmentRole) return kRightAligned;
      return shows ? QVariant(static_cast<qulonglong>(record.tokens)) : QVariant();
    case Question:
      if (role == Qt::ToolTipRole) return toQString(record.question);
      return shows ? QVariant(oneLine(record.question)) : QVariant();
    case Expected:
      if (role == Qt::ToolTipRole) return toQString(record.expected);
      return shows ? QVariant(oneLine(record.expected)) : QVariant();
    default:
      return {};
  }
}

QVariant CaseModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (!m_view || section < 0) return {};
  if (orientation == Qt::Vertical) return role == Qt::DisplayRole ? QVariant(section + 1) : QVariant();
  if (section >= columnCount()) return {};
  if (section >= FirstBranch) {
    const auto& branch = m_view->plan().branches[static_cast<std::size_t>(section - FirstBranch)];
    if (role == Qt::DisplayRole) return branchHeader(branch);
    return role == Qt::ToolTipRole ? QVariant(tr("Score of %1 in percent").arg(branchText(branch))) : QVariant();
  }
  if (role != Qt::DisplayRole) return {};
  switch (section) {
    case CaseId:
      return tr("Case");
    case Tokens:
      return tr("Tokens");
    case Question:
      return tr("Question");
    default:
      return tr("Expected");
  }
}

}  // namespace kvatlas::views
