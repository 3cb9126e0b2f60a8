// Draws a matrix of values cell-exact with any painter: no smoothing, no lost cells.
#pragma once

#include <qcustomplot.h>

#include "views/models/map/value_grid.h"
#include "views/models/value_scale.h"

namespace kvatlas::views {

// A rectangle of the plot filled with a grid, row 0 at `top_left`. On a raster device the grid is resampled to the
// exact device pixels; in a vector file it is a lossless image of at most 600 pixels per inch (cells reduced) and at
// least about 300 (cells repeated, so that blurring by a smoothing viewer is invisible). Does not use QCPColorMap,
// which copies reversed maps, drops thin stripes and multiplies sizes as int.
class RasterItem : public QCPAbstractItem {
 public:
  RasterItem(QCustomPlot* plot, QCPAxisRect* panel);

  // keys [left, right] × values [top, bottom] in the panel's coordinates.
  void setData(ValueGrid grid, Colouring colouring, Pooling pooling);
  void setExtent(double left, double top, double right, double bottom);

  double selectTest(const QPointF&, bool, QVariant*) const override { return -1; }

 protected:
  void draw(QCPPainter* painter) override;

 private:
  [[nodiscard]] QImage imageOf(int width, int height) const;

  QCPItemPosition* const m_top_left;
  QCPItemPosition* const m_bottom_right;
  ValueGrid m_grid;
  Colouring m_colouring;
  Pooling m_pooling = Pooling::Max;
};

}  // namespace kvatlas::views
