// One case of a run: question, answers of all methods, and the prompt with its spans marked. Asks for the prompt and
// for a capture; does neither itself.
#pragma once

#include <QTimer>
#include <QWidget>
#include <map>
#include <vector>

#include "views/models/results/results_source.h"

class QLabel;
class QPlainTextEdit;
class QPushButton;
class QTextBrowser;

namespace kvatlas::views {

// A part of a prompt's text, in UTF-16 units.
struct CaseSpan {
  QString name;
  int begin = 0, end = 0;
};
struct CasePrompt {
  QString text;
  std::vector<CaseSpan> spans;
};

class CaseDetails : public QWidget {
  Q_OBJECT

 public:
  explicit CaseDetails(QWidget* parent = nullptr);

  // null, or a number beyond the cases: none.
  void show(const ResultsPointer& view, std::size_t number, double right_from);
  [[nodiscard]] QString caseId() const { return m_case; }
  void setPrompt(const QString& case_id, const CasePrompt& prompt);
  void setPromptProblem(const QString& case_id, const QString& problem);
  void forgetPrompts();

 signals:
  void promptWanted(const QString& case_id);
  void attentionWanted(const QString& case_id);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void fill();
  void fillPrompt();
  void askForPrompt();

  QLabel *m_title, *m_question, *m_prompt_title;
  QPushButton* m_attention;
  QTextBrowser* m_answers;
  QPlainTextEdit* m_prompt;
  QTimer m_settle;  // a fast walk through the list asks for the last prompt only
  ResultsPointer m_view;
  std::size_t m_number = 0;
  double m_right_from = 0.5;
  QString m_case;
  std::map<QString, CasePrompt> m_prompts;
  std::map<QString, QString> m_problems;
};

}  // namespace kvatlas::views
