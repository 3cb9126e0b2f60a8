// The bookmarks of the open trace as an editable list; every change can be undone and is saved. Qt Core only.
#pragma once

#include <QAbstractListModel>
#include <functional>

#include "views/models/document/notes.h"

namespace kvatlas::views {

// A change that was made: undo() and redo() may be called in turn, as an undo stack does.
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
  void move(int row, int to);  // `to`: its row afterwards

  [[nodiscard]] const Bookmark& bookmark(int row) const { return m_notes.bookmarks.at(static_cast<std::size_t>(row)); }
  [[nodiscard]] const std::optional<ViewState>& last() const { return m_notes.last; }
  void setLast(const ViewState& state);  // saved too where it can be; no change to be undone
  // Whether what is saved goes into traces that can be written to, or always beside them.
  void setKeptInTrace(bool inside) { m_inside = inside; }

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;  // renames
  [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;

 signals:
  void changed(const kvatlas::views::BookmarkChange& change);
  void failed(const QString& message);  // they cannot be read or saved

 private:
  void restart();
  void record(const QString& text, std::vector<Bookmark> before);
  void replace(const std::vector<Bookmark>& bookmarks, int epoch);
  void save();
  void write();  // Error where it cannot

  Document& m_document;
  Notes m_notes;
  bool m_inside = true;
  bool m_unreadable = false;  // what lies beside the trace is damaged
  int m_epoch = 0;            // of another trace: its changes cannot be undone here
};

}  // namespace kvatlas::views
