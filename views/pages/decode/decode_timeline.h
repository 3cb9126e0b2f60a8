// Generated tokens × positions of the focused run, in the selected layer and heads: the tokens still cached at each
// step, and dots on the keys it attends to. A click moves step and cursor.
#pragma once

#include <QWidget>

#include "views/models/document/selection.h"
#include "views/models/items/decode_attended.h"
#include "views/models/items/decode_grid.h"

class QCPItemStraightLine;
class QLabel;

namespace kvatlas::views {

class CellPlot;
class DecodeMarks;
class RasterItem;
struct PlotCell;

class DecodeTimeline : public QWidget {
  Q_OBJECT

 public:
  DecodeTimeline(Document& document, Selection& selection, DecodeAttended& attended, QWidget* parent = nullptr);

  [[nodiscard]] CellPlot& plot() { return *m_plot; }
  [[nodiscard]] const DecodeGrid& grid() const { return m_grid; }
  [[nodiscard]] const DecodeMarks& marks() const { return *m_marks; }
  [[nodiscard]] QString title() const;
  void updateNow();

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void showMessage(const QString& text);
  void applyTheme();
  void showStep();
  void showMarks(const RunView& view);
  void choose(const PlotCell& cell);  // row: generated token
  [[nodiscard]] QString describe(const PlotCell& cell) const;
  [[nodiscard]] QString describeEviction(const PlotCell& cell) const;
  [[nodiscard]] QString describeMark(const PlotCell& cell) const;

  Document& m_document;
  Selection& m_selection;
  DecodeAttended& m_attended;
  QLabel* m_title;
  CellPlot* m_plot;
  RasterItem* m_item;
  DecodeMarks* m_marks;
  QCPItemStraightLine* m_step;
  DecodeGrid m_grid;
};

}  // namespace kvatlas::views
