// The runs of the trace: colour, budget, what each keeps and loses. A tick shows a run everywhere, a click puts it in
// focus. Knows document and selection.
#pragma once

#include <QTimer>
#include <QTreeWidget>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"

namespace kvatlas::views {

class RunsPage : public QTreeWidget {
  Q_OBJECT

 public:
  RunsPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] RunId runAt(const QTreeWidgetItem* item) const;
  [[nodiscard]] QTreeWidgetItem* itemOf(RunId run) const;

 protected:
  void changeEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;

 private:
  void rebuild();
  void fillRow(QTreeWidgetItem& item, RunId run);
  void showSelection();
  void takeChange(QTreeWidgetItem* item);

  Document& m_document;
  Selection& m_selection;
  QTimer m_timer;
  bool m_filling = false;
};

}  // namespace kvatlas::views
