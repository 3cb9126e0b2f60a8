// What only A keeps, only B, both or neither, as counts with their mass and as a list of tokens. A click on a token
// selects it everywhere.
#pragma once

#include <array>

#include "views/models/items/kept_sets.h"
#include "views/pages/resting_page.h"

class QLabel;
class QTableView;
class QToolButton;

namespace kvatlas::views {

class KeptSetsPage : public RestingPage {
  Q_OBJECT

 public:
  KeptSetsPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] KeptSetsModel& model() { return m_model; }
  [[nodiscard]] QTableView& table() { return *m_table; }
  [[nodiscard]] QString csv();

 protected:
  void fill() override { m_model.refresh(); }

 private:
  void makeTable();
  void showSums();
  void open(const QModelIndex& index);
  [[nodiscard]] QString title(KeptSet set) const;

  Document& m_document;
  Selection& m_selection;
  KeptSetsModel m_model;
  QLabel* m_title;
  std::array<QToolButton*, kKeptSets> m_sets;
  QTableView* m_table;
};

}  // namespace kvatlas::views
