// Draws the lines of one panel: spread, line, marks; lines on top of each other stay visible. Knows no layout.
#pragma once

#include <qcustomplot.h>

#include <vector>

#include "views/plots/line_chart.h"

namespace kvatlas::views {

// `width`: of the panel in units. Lines that coincide share the way: each shows every m-th dash and mark.
void drawSeries(QCPAxisRect* panel, int width, const std::vector<LineSeries>& series, Spread spread);
void addHorizontal(QCPAxisRect* panel, double at, const QPen& pen);
void addVertical(QCPAxisRect* panel, double at, const QPen& pen);

}  // namespace kvatlas::views
