// Draws a matrix of values cell-exact into any painter: never smoothed, never dropping cells; knows no trace.
#pragma once

#include <qcustomplot.h>

#include "views/models/map/value_grid.h"
#include "views/models/value_scale.h"

namespace kvatlas::views {

// A rectangle of the plot filled with a grid, row 0 at `top_left`. On a raster device the grid is reduced or repeated
// to exactly the device pixels it covers; in a vector file it becomes a lossless image of at most 600 (cells reduced)
// and at least about 300 pixels per inch (cells repeated, so that a viewer that smooths images blurs less than the eye
// sees). QCPColorMap is not used: it copies reversed maps, drops thin stripes and multiplies sizes as int.
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
