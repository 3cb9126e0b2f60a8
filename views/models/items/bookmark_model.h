// The bookmarks of the open trace as an editable list; saves every change and supports undo. Qt Core only.
#pragma once

#include <QAbstractListModel>
#include <functional>

#include "views/models/document/document.h"
#include "views/models/document/notes.h"

namespace kvatlas::views {

// A change already made; an undo stack calls undo() and redo() in turn.
struct BookmarkChange {
  QString text;  // "add bookmark 'needle'"
  std::function<void()> undo, redo;
};

// DisplayRole and EditRole: the name; ToolTipRole: the note.
class BookmarkModel : public QAbstractListModel {
  Q_OBJECT
 public:
  explicit BookmarkModel(Document& document, QObject* parent = nullptr);

  void add(Bookmark bookmark);  // at the end
  void remove(int row);
  void rename(int row, const QString& name);
  void setNote(int row, const QString& note);
  void move(int row, int to);  // `to`: the new row

  [[nodiscard]] const Bookmark& bookmark(int row) const { return m_notes.bookmarks.at(static_cast<std::size_t>(row)); }
  [[nodiscard]] const std::optional<ViewState>& last() const { return m_notes.last; }
  void setLast(const ViewState& state);  // saved if possible; not undoable
  // true: save in the trace if it is writable; false: always in a file beside it.
  void setKeptInTrace(bool inside) { m_inside = inside; }
  // Spans that the user named; saved with the bookmarks. Also shown by the document.
  void addSpan(const trace::Span& span);
  void removeSpan(const std::string& name);
  // The own span of this index (as in Document::ownSpans). false, without a change: the name is empty or taken, or the
  // range is empty or outside the prompt.
  bool changeSpan(std::size_t index, const trace::Span& span);
  // The text that a right answer contains; empty: none known.
  [[nodiscard]] QString answer() const;
  void setAnswer(const QString& answer);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;  // renames
  [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;

 signals:
  void changed(const kvatlas::views::BookmarkChange& change);
  void answerChanged();
  void failed(const QString& message);  // reading or saving failed

 private:
  void restart();
  void record(const QString& text, std::vector<Bookmark> before);
  void replace(const std::vector<Bookmark>& bookmarks, int epoch);
  void save();
  void write();  // throws Error
  void merge();
  void storeSpans(const std::vector<trace::Span>& spans);

  Document& m_document;
  Notes m_notes, m_saved;  // m_saved: as last read or written
  bool m_inside = true;
  bool m_unreadable = false;  // the notes file is damaged
  int m_epoch = 0;            // counts traces: invalidates changes of an earlier one
};

}  // namespace kvatlas::views
