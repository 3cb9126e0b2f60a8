// Small multiples of lines over one x axis with a common legend: the layout and drawing that all line figures share.
// Knows numbers, pens and texts; neither traces nor results.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "views/models/figures/figure_spec.h"
#include "views/plots/canvas.h"
#include "views/plots/legend.h"

namespace kvatlas::views {

// How the spread around a line is shown: filled bands (legible for one or two lines), or whiskers that stand beside
// each other.
enum class Spread { Band, Whiskers };

struct LineSeries {
  std::vector<double> x, y;       // as many of each; a NaN leaves a gap
  std::vector<double> low, high;  // the spread at each x; empty: none
  QPen pen;
  QCPScatterStyle mark;     // none: a plain line
  bool background = false;  // under the others, never sharing its way with them: a reference
};

struct RuleLine {
  double at = 0;
  QPen pen;
};

struct LinePanel {
  std::string title;    // above, left
  std::string y_title;  // of this panel alone, where panels show different quantities
  double low = 0, high = 1;
  std::vector<Tick> y_ticks;
  std::vector<LineSeries> series;
  std::vector<RuleLine> rules;  // across the panel
};

// A thin line from top to bottom through every panel, named above the first.
struct Landmark {
  double at = 0;
  std::string name;
};

struct LineChart {
  std::vector<LinePanel> panels;
  std::vector<LegendEntry> legend;
  std::string x_title, y_title;  // y_title: empty where panels have their own
  double x_low = 0, x_high = 1;
  bool log_x = false;
  std::vector<Tick> x_ticks;  // numbers that would touch are left out
  bool shared_y = false;      // y numbers beside the first panel of a row only
  Spread spread = Spread::Band;
  std::vector<Landmark> landmarks;
  double aspect = 0;  // height of a panel by its width; 0: by the number of columns
  std::vector<std::string> notes;
};

[[nodiscard]] QPen linePen(const QColor& colour, double width = kLineWidth);
[[nodiscard]] QPen dashedPen(const QColor& colour, double width = 0.8);

// A canvas of the spec's width and the height that the chart needs. UsageError when panels would be too small to read.
[[nodiscard]] std::unique_ptr<Canvas> drawLineChart(const LineChart& chart, const FigureSpec& spec);

}  // namespace kvatlas::views
