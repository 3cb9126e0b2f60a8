// Small multiples of line plots with a shared x axis and legend: the layout and drawing of
// all line figures.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "views/models/figures/figure_spec.h"
#include "views/plots/canvas.h"
#include "views/plots/legend.h"

namespace kvatlas::views {

// How to draw the spread around a line: filled bands (legible for one or two lines), or whiskers
// side by side.
enum class Spread { Band, Whiskers };

struct LineSeries {
  std::vector<double> x, y;       // equal lengths; a NaN leaves a gap
  std::vector<double> low, high;  // the spread at each x; empty: none
  QPen pen;
  QCPScatterStyle mark;     // none: a plain line
  bool background = false;  // a reference line: below the others, excluded from dash sharing
};

struct RuleLine {
  double at = 0;
  QPen pen;
};

struct LinePanel {
  std::string title;    // top left
  std::string y_title;  // if panels show different quantities
  double low = 0, high = 1;
  std::vector<Tick> y_ticks;
  std::vector<LineSeries> series;
  std::vector<RuleLine> rules;  // horizontal lines across the panel
};

// A thin vertical line through all panels, labelled above the first.
struct Landmark {
  double at = 0;
  std::string name;
};

struct LineChart {
  std::vector<LinePanel> panels;
  std::vector<LegendEntry> legend;
  std::string x_title, y_title;  // y_title: empty if panels have their own
  double x_low = 0, x_high = 1;
  bool log_x = false;
  std::vector<Tick> x_ticks;  // labels that would overlap are dropped
  bool shared_y = false;      // y labels only at the first panel of a row
  Spread spread = Spread::Band;
  std::vector<Landmark> landmarks;
  double aspect = 0;  // panel height / width; 0: by the number of columns
  std::vector<std::string> notes;
};

[[nodiscard]] QPen linePen(const QColor& colour, double width = kLineWidth);
[[nodiscard]] QPen dashedPen(const QColor& colour, double width = 0.8);

// Draws on a canvas of the spec's width and the required height. UsageError if panels would be too small to read.
[[nodiscard]] std::unique_ptr<Canvas> drawLineChart(const LineChart& chart, const FigureSpec& spec);

}  // namespace kvatlas::views
