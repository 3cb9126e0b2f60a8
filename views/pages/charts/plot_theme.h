// The look of the plots on the pages: theme, small font, ticks at whole numbers, a field above the plot.
#pragma once

#include <qcustomplot.h>

class QBoxLayout;

namespace kvatlas::views {

void applyPlotTheme(QCustomPlot& plot, const QPalette& palette, const QFont& font);
void setWholeTicks(QCPAxis& axis);
// Above the plot of the column, also in the order of the Tab key.
void addAbovePlot(QBoxLayout& column, QWidget& field, QWidget& plot);

}  // namespace kvatlas::views
