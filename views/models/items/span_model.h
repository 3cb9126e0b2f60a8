// The named spans of the prompt as a table: recorded ones, then the user's own, which can be edited. Qt Core only.
#pragma once

#include <QAbstractTableModel>

#include "views/models/items/bookmark_model.h"

namespace kvatlas::views {

// BeginRole and EndRole: the token range [begin, end).
class SpanModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { Name, First, Last, Columns };

  // Both must outlive it. Changes are saved by `notes`.
  SpanModel(Document& document, BookmarkModel& notes, QObject* parent = nullptr);

  [[nodiscard]] bool isOwn(int row) const;  // made by the user
  void remove(int row);                     // an own span

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
  // Of an own span: a new name, first or last token. Refuses an empty name, one that another own span has, and a range
  // that is empty or outside the prompt.
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;

 private:
  void restart();
  [[nodiscard]] const trace::Span& span(int row) const;
  [[nodiscard]] int recorded() const;

  Document& m_document;
  BookmarkModel& m_notes;
  std::vector<trace::Span> m_spans;
  int m_own = 0;  // at the end of m_spans
};

}  // namespace kvatlas::views
