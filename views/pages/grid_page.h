// Layer × head as a grid of coloured cells, one number each: a click opens the map. Knows document and selection.
#pragma once

#include <QStyledItemDelegate>
#include <QTableView>

#include "views/models/layer_head_model.h"

class QCheckBox;
class QComboBox;
class QLabel;

namespace kvatlas::views {

// Fills a cell with the colour of its number; the selected one is framed.
class GridDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  explicit GridDelegate(const LayerHeadModel& model, QObject* parent = nullptr);
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  [[nodiscard]] QColor colourOf(float value) const;  // invalid: not known

 private:
  const LayerHeadModel& m_model;
};

class GridPage : public QWidget {
  Q_OBJECT

 public:
  GridPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] LayerHeadModel& model() { return m_model; }
  [[nodiscard]] QTableView& table() { return *m_table; }
  [[nodiscard]] QString csv() const;

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void makeChoices();
  void fitCells();
  void showRange();

  LayerHeadModel m_model;
  QComboBox *m_metric, *m_sorting;
  QCheckBox* m_grouped;
  QLabel* m_range;
  QTableView* m_table;
  GridDelegate* m_delegate;
};

}  // namespace kvatlas::views
