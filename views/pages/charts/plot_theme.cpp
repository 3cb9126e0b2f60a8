#include "views/pages/charts/plot_theme.h"

#include <QBoxLayout>
#include <algorithm>

#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {

void applyPlotTheme(QCustomPlot& plot, const QPalette& palette, const QFont& font) {
  const ThemeColours& colours = themeColours(themeOf(palette));
  QFont small = font;
  small.setPointSizeF(std::max(7.0, font.pointSizeF() - 1));
  plot.setBackground(QBrush(toColour(colours.paper)));
  for (QCPAxis* axis : {plot.xAxis, plot.yAxis, plot.xAxis2, plot.yAxis2}) {
    axis->setBasePen(QPen(toColour(colours.muted)));
    axis->setTickPen(QPen(toColour(colours.muted)));
    axis->setSubTickPen(Qt::NoPen);
    axis->setTickLabelColor(toColour(colours.ink));
    axis->setLabelColor(toColour(colours.ink));
    axis->setTickLabelFont(small);
    axis->setLabelFont(small);
    axis->grid()->setVisible(false);
  }
  plot.xAxis2->setTicks(false);
  plot.yAxis2->setTicks(false);
}

void setWholeTicks(QCPAxis& axis) {
  auto* whole = new QCPAxisTickerFixed;
  whole->setTickStep(1);
  whole->setScaleStrategy(QCPAxisTickerFixed::ssMultiples);
  axis.setTicker(QSharedPointer<QCPAxisTicker>(whole));
}

// The plot is added again behind the field: QWidget::setTabOrder() has no effect before the page is in its window.
void addAbovePlot(QBoxLayout& column, QWidget& field, QWidget& plot) {
  plot.setParent(nullptr);
  column.addWidget(&field, 0, Qt::AlignLeft);
  column.addWidget(&plot, 1);
}

}  // namespace kvatlas::views
