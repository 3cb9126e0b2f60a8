// The bookmarks of the trace: add, open, rename, annotate and remove, with undo; below, its named spans to edit.
// The caller captures and restores the view states.
#pragma once

#include <QWidget>
#include <functional>

#include "views/models/items/bookmark_model.h"
#include "views/models/items/span_model.h"

class QLineEdit;
class QListView;
class QPushButton;
class QTableView;
class QUndoStack;

namespace kvatlas::views {

class BookmarksPage : public QWidget {
  Q_OBJECT

 public:
  // `present` returns the current view state.
  BookmarksPage(Document& document, std::function<ViewState()> present, QWidget* parent = nullptr);

  [[nodiscard]] BookmarkModel& model() { return m_model; }
  [[nodiscard]] QListView& list() { return *m_list; }
  [[nodiscard]] QTableView& spanTable() { return *m_spans; }
  [[nodiscard]] QUndoStack& undoStack() { return *m_undo; }

 public slots:
  void addBookmark();  // of the current view, named after its layer, head and key

 signals:
  void stateRequested(const kvatlas::views::ViewState& state);
  void failed(const QString& message);
  void spanChosen(kvatlas::TokenIndex begin, kvatlas::TokenIndex end);  // a click on a span

 private:
  void push(const BookmarkChange& change);
  void showCurrent();
  QWidget* makeBookmarks();
  QWidget* makeSpans();
  [[nodiscard]] int row() const;

  Document& m_document;
  std::function<ViewState()> m_present;
  BookmarkModel m_model;
  SpanModel m_span_model;
  QUndoStack* m_undo;
  QListView* m_list;
  QTableView* m_spans;
  QLineEdit* m_note;
  QPushButton *m_add, *m_remove, *m_remove_span;
};

}  // namespace kvatlas::views
