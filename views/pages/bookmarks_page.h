// The bookmarks of the trace: add, open, rename, note, remove, with undo. Knows the document; what a state holds and
// how it is shown is somebody else's.
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
  // `present` answers with what is looked at now.
  BookmarksPage(Document& document, std::function<ViewState()> present, QWidget* parent = nullptr);

  [[nodiscard]] BookmarkModel& model() { return m_model; }
  [[nodiscard]] QListView& list() { return *m_list; }
  [[nodiscard]] QUndoStack& undoStack() { return *m_undo; }

 public slots:
  void addBookmark();  // of the present state, under a name that says what it shows

 signals:
  void stateWanted(const kvatlas::views::ViewState& state);
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
