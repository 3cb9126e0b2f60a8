// One row per case of a run: what was asked, what is right, and every branch's score. Grows while the run writes.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "views/models/results/results_source.h"

namespace kvatlas::views {

// Columns: case, tokens, question, expected answer, then one per branch. DisplayRole: a score in percent. SortRole;
// ValueRole: a branch's score, 0 … 1; Qt::ToolTipRole: the answer, the whole question.
class CaseModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column : int { CaseId, Tokens, Question, Expected, FirstBranch };

  explicit CaseModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

  void show(const ResultsPointer& view);  // null: none
  [[nodiscard]] const ResultsPointer& view() const { return m_view; }
  [[nodiscard]] std::span<const results::Record> recordsAt(int row) const;
  [[nodiscard]] double score(int row, std::size_t branch) const;
  [[nodiscard]] int rowOf(const QString& case_id) const;  // −1: none

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  [[nodiscard]] bool continues(const ResultsView& view) const;
  [[nodiscard]] QVariant ofBranch(int row, std::size_t branch, int role) const;

  ResultsPointer m_view;
};

[[nodiscard]] QString branchText(const results::Branch& branch);    // "SnapKV 64", "full cache"
[[nodiscard]] QString branchHeader(const results::Branch& branch);  // the same on two lines
[[nodiscard]] QString percentText(double score);                    // 0.333 → "33"
// One line of at most `most` characters.
[[nodiscard]] QString oneLine(const std::string& text, qsizetype most = 200);

}  // namespace kvatlas::views
