// List of the runs: colour, kept tokens, retained mass (of all heads, of the head in view), KL, right or wrong.
// The checkbox shows or hides a run everywhere, a click focuses it.
#pragma once

#include <QTimer>
#include <QTreeWidget>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/models/document/trace_shelf.h"

namespace kvatlas::views {

class RunsPage : public QTreeWidget {
  Q_OBJECT

 public:
  RunsPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  // Lists the runs of further traces below those of the open one. It must outlive the page.
  void setShelf(TraceShelf& shelf);
  [[nodiscard]] RunId runAt(const QTreeWidgetItem* item) const;
  [[nodiscard]] QTreeWidgetItem* itemOf(RunId run) const;
  // The text that a right answer contains; empty: none known, no column.
  void setAnswer(const QString& answer);
  [[nodiscard]] const QString& answer() const { return m_answer; }

 signals:
  void answerRequested();                              // the user wants to enter it
  void otherRunChosen(const QString& trace, int run);  // of a listed trace, which should become the open one

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void changeEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;

 private:
  void rebuild();
  void fillRows();
  void addOthers();
  void fillRow(QTreeWidgetItem& item, Document& document, RunId run, std::size_t shared_steps);
  void choose(const QTreeWidgetItem* item);
  void showTraceMenu(const QTreeWidgetItem& item, const QPoint& global);
  [[nodiscard]] bool budgetsAsNamed() const;
  void showSelection();
  void applyCheckState(QTreeWidgetItem* item);

  Document& m_document;
  Selection& m_selection;
  QTimer m_timer;
  bool m_filling = false, m_ticked = false;
  TraceShelf* m_shelf = nullptr;
  QString m_answer;
};

}  // namespace kvatlas::views
