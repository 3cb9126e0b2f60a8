// A chart of the visible runs of the document: made anew when runs, selection or theme change, and only while somebody
// can see it. Knows document and selection.
#pragma once

#include <QTimer>
#include <QWidget>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/pages/chart_plot.h"

namespace kvatlas::views {

class RunChart : public QWidget {
  Q_OBJECT

 public:
  RunChart(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] ChartPlot& plot() { return *m_plot; }
  [[nodiscard]] QString csv() const;  // the numbers behind the lines
  void updateNow();                   // what a timer would do next
  void setSeen(bool seen);            // whether it is behind another panel: then it rests

 protected:
  virtual void fill() = 0;             // sets the lines
  virtual void follow() { refill(); }  // another layer, head or step: all is made anew unless a chart knows better
  virtual void choose(const ChartPoint& point) = 0;                           // a point was clicked
  [[nodiscard]] virtual QString describe(const ChartPoint& point) const = 0;  // for the pointer
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;
  void refill();  // soon, once for many reasons

  [[nodiscard]] Document& document() const { return m_document; }
  [[nodiscard]] Selection& selection() const { return m_selection; }
  // The visible eviction runs that are read so far, in the order of the document; asks for the others.
  [[nodiscard]] std::vector<RunPointer> runs() const;
  // Colour by method, dashes by budget, strong in focus.
  [[nodiscard]] ChartLine lineOf(const RunView& view) const;
  [[nodiscard]] QString titleOf(RunId run) const;  // "PyramidKV 128"

 private:
  Document& m_document;
  Selection& m_selection;
  ChartPlot* m_plot;
  QTimer m_timer;
  void followIfSeen();
  [[nodiscard]] bool seen() const { return isVisible() && m_seen; }
  bool m_stale = true, m_seen = true;
};

// "PyramidKV 128": title and budget of a run; "Full cache" as it is.
[[nodiscard]] QString runText(const Document& document, RunId run);

}  // namespace kvatlas::views
