// The positions that the focused run keeps: layers × prompt positions,
// coloured by the share of heads that keep each position.
#pragma once

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/pages/resting_page.h"

class QLabel;

namespace kvatlas::views {

class CellPlot;
class RasterItem;
struct PlotCell;

class PositionChart : public RestingPage {
  Q_OBJECT

 public:
  PositionChart(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] CellPlot& plot() { return *m_plot; }
  [[nodiscard]] QString csv() const;

 protected:
  void fill() override;
  void applyTheme() override;

 private:
  void showMessage(const QString& text);
  void choose(const PlotCell& cell);
  [[nodiscard]] QString describe(const PlotCell& cell) const;

  Document& m_document;
  Selection& m_selection;
  QLabel* m_title;
  CellPlot* m_plot;
  RasterItem* m_item;
  RunPointer m_view;
};

}  // namespace kvatlas::views
