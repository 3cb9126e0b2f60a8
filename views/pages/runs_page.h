// List of the runs: colour, kept tokens, retained mass, KL.
// The checkbox shows or hides a run everywhere, a click focuses it.
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
  void applyCheckState(QTreeWidgetItem* item);

  Document& m_document;
  Selection& m_selection;
  QTimer m_timer;
  bool m_filling = false;
};

}  // namespace kvatlas::views
