// A folder of results: tables and grids of scores, the list of cases with its filters, and one case with its answers.
// Follows a run that still writes.
#pragma once

#include <QWidget>

#include "views/models/results/case_filter.h"
#include "views/models/results/results_source.h"
#include "views/models/results/score_cells.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;
class QTableView;
class QTabWidget;

namespace kvatlas::views {

class CaseDetails;

class ResultsPage : public QWidget {
  Q_OBJECT

 public:
  explicit ResultsPage(QWidget* parent = nullptr);

  [[nodiscard]] ResultsSource& source() { return m_source; }
  [[nodiscard]] CaseModel& cases() { return m_cases; }
  [[nodiscard]] CaseFilter& filter() { return m_filter; }
  [[nodiscard]] ScoreCellModel& table() { return m_table; }
  [[nodiscard]] ScoreCellModel& grid() { return m_grid; }
  [[nodiscard]] CaseDetails& details() { return *m_details; }
  void chooseCase(const QString& case_id);
  [[nodiscard]] QString csv() const;  // the table in front

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  QWidget* makeHead();
  QWidget* makeOverview();
  QWidget* makeCases();
  void showView();
  void fillChoices();
  void fillGrid();
  void applyConditions();
  void chooseCells(const ScoreCell& cell, const QString& words);
  void clearCells();
  void showCase();
  void fitQuestions();

  ResultsSource m_source;
  CaseModel m_cases;
  CaseFilter m_filter;
  ScoreCellModel m_table, m_grid;
  QLabel *m_title, *m_state, *m_count, *m_axes;
  QComboBox *m_score, *m_branch, *m_wrong, *m_right;
  QSpinBox* m_right_from;
  QLineEdit* m_text;
  QPushButton* m_cells;  // the set or cell that limits the list; a click removes it
  QTabWidget* m_overview;
  QTableView *m_table_view, *m_grid_view, *m_list;
  CaseDetails* m_details;
  CaseConditions m_chosen;  // set and cell
  std::string m_shown;      // hash of the settings of the run in view
};

}  // namespace kvatlas::views
