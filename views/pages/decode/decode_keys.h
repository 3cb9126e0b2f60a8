// The keys that the chosen generated token of the run in focus attended to, as a list; a click selects the key. Knows
// document and selection.
#pragma once

#include <QWidget>

#include "views/models/document/selection.h"
#include "views/models/items/decode_attended.h"

class QLabel;
class QTreeWidget;

namespace kvatlas::views {

class DecodeKeys : public QWidget {
  Q_OBJECT

 public:
  enum Column { Rank, Token, Where, Position, Mass, Columns };

  DecodeKeys(Document& document, Selection& selection, DecodeAttended& attended, QWidget* parent = nullptr);

  [[nodiscard]] QTreeWidget& list() { return *m_list; }
  [[nodiscard]] QString title() const;
  [[nodiscard]] QString note() const;  // why the list is empty
  void updateNow();

 private:
  void addRow(const AttendedKey& key);
  void select(std::uint64_t position);
  void showCursor();

  Document& m_document;
  Selection& m_selection;
  DecodeAttended& m_attended;
  QLabel* m_title;
  QLabel* m_note;
  QTreeWidget* m_list;
};

}  // namespace kvatlas::views
