// The tokens that a query attends to most, as a list with bars; evicted ones struck out. A click moves the cursor.
#pragma once

#include <QTreeWidget>

#include "views/models/items/query_attention.h"

namespace kvatlas::views {

class AttentionList : public QTreeWidget {
  Q_OBJECT

 public:
  AttentionList(Document& document, Selection& selection, QueryAttention& attention, QWidget* parent = nullptr);

  void fill();

 private:
  void open(const QModelIndex& index);

  Document& m_document;
  Selection& m_selection;
  QueryAttention& m_attention;
};

}  // namespace kvatlas::views
