// Which positions the run in focus keeps: layers × prompt positions, coloured by the share of heads that keep them.
// Knows document and selection.
#pragma once

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/pages/resting_page.h"

class QCustomPlot;
class QLabel;

namespace kvatlas::views {

class RasterItem;

class PositionChart : public RestingPage {
  Q_OBJECT

 public:
  PositionChart(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] QCustomPlot& plot() { return *m_plot; }
  [[nodiscard]] QString csv() const;

 protected:
  void fill() override;
  void applyTheme() override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void say(const QString& text);
  void choose(const QPointF& pixel);
  [[nodiscard]] QString describe(const QPointF& pixel) const;

  Document& m_document;
  Selection& m_selection;
  QLabel* m_title;
  QCustomPlot* m_plot;
  RasterItem* m_item;
  RunPointer m_view;
};

}  // namespace kvatlas::views
