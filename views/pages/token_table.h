// Table of the prompt's tokens: text, spans, attention received,
// and each run's decision with its reason. A click moves the cursor.
#pragma once

#include <QTableView>

#include "views/models/items/token_model.h"

namespace kvatlas::views {

class TokenTable : public QTableView {
  Q_OBJECT

 public:
  TokenTable(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] TokenModel& tokens() { return m_model; }
  [[nodiscard]] QString csv() const;

 private:
  void showCursor();

  Document& m_document;
  Selection& m_selection;
  TokenModel m_model;
};

}  // namespace kvatlas::views
