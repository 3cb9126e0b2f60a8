// Layer × run matrix: Jaccard index of the tokens kept by the focused run and by each other run. A click opens the
// layer and compares with the run.
#pragma once

#include <QLabel>
#include <QStyledItemDelegate>
#include <QTableView>

#include "views/models/items/agreement_model.h"

namespace kvatlas::views {

class AgreementDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  AgreementDelegate(const Selection& selection, QObject* parent);
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 private:
  const Selection& m_selection;
};

class AgreementPage : public QWidget {
  Q_OBJECT

 public:
  AgreementPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] AgreementModel& model() { return m_model; }
  [[nodiscard]] QTableView& table() { return *m_table; }
  [[nodiscard]] QString csv() const;

 private:
  void showFocus();

  Document& m_document;
  Selection& m_selection;
  AgreementModel m_model;
  QLabel* m_title;
  QTableView* m_table;
};

}  // namespace kvatlas::views
