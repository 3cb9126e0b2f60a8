// Base of the charts of the visible runs:
// rebuilds its lines when runs, selection or theme change.
#pragma once

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/pages/charts/chart_plot.h"
#include "views/pages/resting_page.h"

namespace kvatlas::views {

class RunChart : public RestingPage {
  Q_OBJECT

 public:
  RunChart(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] ChartPlot& plot() { return *m_plot; }
  [[nodiscard]] QString csv() const;  // the numbers behind the lines

 protected:
  void fill() final;
  virtual void fillLines() = 0;                                               // the document is open
  virtual void choose(const ChartPoint& point) = 0;                           // on a click
  [[nodiscard]] virtual QString describe(const ChartPoint& point) const = 0;  // tooltip

  [[nodiscard]] Document& document() const { return m_document; }
  [[nodiscard]] Selection& selection() const { return m_selection; }
  // The visible eviction runs already loaded, in document order; requests the others.
  [[nodiscard]] std::vector<RunPointer> runs() const;
  // Colour by method, dashes by budget, strong for the focused run.
  [[nodiscard]] ChartLine lineOf(const RunView& view) const;
  [[nodiscard]] QString titleOf(RunId run) const;  // "PyramidKV 128"

 private:
  Document& m_document;
  Selection& m_selection;
  ChartPlot* m_plot;
};

// "PyramidKV 128": title and budget of a run; "Full cache" has no budget; a run that is gone has no title.
[[nodiscard]] QString runText(const Document& document, RunId run);

}  // namespace kvatlas::views
