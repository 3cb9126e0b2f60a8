// Draws the lines of one panel: spread, line, marks. Coinciding lines stay visible.
#pragma once

#include <qcustomplot.h>

#include <vector>

#include "views/plots/line_chart.h"

namespace kvatlas::views {

// `width`: of the panel in units. Of m coinciding lines, each draws every m-th dash and mark.
void drawSeries(QCPAxisRect* panel, int width, const std::vector<LineSeries>& series, Spread spread);
void addHorizontal(QCPAxisRect* panel, double at, const QPen& pen);
void addVertical(QCPAxisRect* panel, double at, const QPen& pen);

}  // namespace kvatlas::views
