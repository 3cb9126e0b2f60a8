// The bookmarks of the trace: add, open, rename, annotate and remove, with undo.
// The caller captures and restores the view states.
#pragma once

#include <QWidget>
#include <functional>

#include "views/models/items/bookmark_model.h"

class QLineEdit;
class QListView;
class QPushButton;
class QUndoStack;

namespace kvatlas::views {

class BookmarksPage : public QWidget {
  Q_OBJECT

 public:
  // `present` returns the current view state.
  BookmarksPage(Document& document, std::function<ViewState()> present, QWidget* parent = nullptr);

  [[nodiscard]] BookmarkModel& model() { return m_model; }
  [[nodiscard]] QListView& list() { return *m_list; }
  [[nodiscard]] QUndoStack& undoStack() { return *m_undo; }

 public slots:
  void addBookmark();  // of the current view, named after its layer, head and key

 signals:
  void stateRequested(const kvatlas::views::ViewState& state);
  void failed(const QString& message);

 private:
  void push(const BookmarkChange& change);
  void showCurrent();
  [[nodiscard]] int row() const;

  Document& m_document;
  std::function<ViewState()> m_present;
  BookmarkModel m_model;
  QUndoStack* m_undo;
  QListView* m_list;
  QLineEdit* m_note;
  QPushButton *m_add, *m_remove;
};

}  // namespace kvatlas::views
