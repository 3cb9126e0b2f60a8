// How plots of matrices on the pages look: theme, small print, ticks at whole numbers. Knows QCustomPlot and a palette.
#pragma once

#include <qcustomplot.h>

namespace kvatlas::views {

void applyPlotTheme(QCustomPlot& plot, const QPalette& palette, const QFont& font);
void setWholeTicks(QCPAxis& axis);

}  // namespace kvatlas::views
