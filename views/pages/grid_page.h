// Layer × head as a grid of thumbnails or coloured numbers;
// a click opens the map of a cell.
#pragma once

#include <QStyledItemDelegate>
#include <QTableView>
#include <QVariantMap>

#include "views/models/items/layer_head_model.h"
#include "views/plots/map/layer_head_thumbnails.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;

namespace kvatlas::views {

// Draws a cell as a number on a colour or as a thumbnail of the map, and frames the selected cell.
class GridDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  GridDelegate(const LayerHeadModel& model, LayerHeadThumbnails& thumbnails, QObject* parent = nullptr);
  void setMaps(bool maps) { m_maps = maps; }
  void setNamed(bool named) { m_named = named; }  // sorted cells say their layer and head
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 private:
  void paintNumber(QPainter& painter, const QRect& area, const QModelIndex& index) const;

  const LayerHeadModel& m_model;
  LayerHeadThumbnails& m_thumbnails;
  bool m_maps = false, m_named = false;
};

class GridPage : public QWidget {
  Q_OBJECT

 public:
  GridPage(Document& document, Selection& selection, TileSource& tiles, QWidget* parent = nullptr);

  [[nodiscard]] LayerHeadModel& model() { return m_model; }
  [[nodiscard]] QTableView& table() { return *m_table; }
  // Only the colour table is the map's: thumbnails keep their own limits.
  void setColours(const ColourSettings& colours);
  // The chosen metric, order and grouping, for the next start.
  [[nodiscard]] QVariantMap choices() const;
  void setChoices(const QVariantMap& choices);
  [[nodiscard]] QString csv() const;

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void makeTable();
  void makeChoices();
  void fillMetrics();
  void suggestSpan();
  void showChoice();
  void applyFilter();
  void fitCells();
  void showRange();

  LayerHeadModel m_model;
  LayerHeadThumbnails m_thumbnails;
  ColourSettings m_colours;
  QComboBox *m_metric, *m_sorting;
  QLineEdit* m_filter;
  QLabel* m_count;
  Document& m_document;
  QCheckBox* m_grouped;
  QLabel *m_low, *m_high, *m_strip;
  QTableView* m_table;
  GridDelegate* m_delegate;
  bool m_suggesting = true;  // the user has chosen no number yet
};

}  // namespace kvatlas::views
