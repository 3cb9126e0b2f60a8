// The look of the matrix plots on the pages: theme, small font, ticks at whole numbers.
#pragma once

#include <qcustomplot.h>

namespace kvatlas::views {

void applyPlotTheme(QCustomPlot& plot, const QPalette& palette, const QFont& font);
void setWholeTicks(QCPAxis& axis);

}  // namespace kvatlas::views
