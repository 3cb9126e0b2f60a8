// A legend that wraps to as many rows as it needs.
#pragma once

#include <qcustomplot.h>

#include <string>
#include <vector>

#include "views/plots/canvas.h"

namespace kvatlas::views {

struct LegendEntry {
  std::string text;
  QPen line;
  QCPScatterStyle mark;
};

[[nodiscard]] int legendHeight(const std::vector<LegendEntry>& entries, int width);
void drawLegend(Canvas& canvas, const std::vector<LegendEntry>& entries, const QPoint& top_left, int width);

// A method's mark at printed size, hollow so that marks under it stay visible.
[[nodiscard]] QCPScatterStyle scatterOf(Mark mark, const QColor& colour, const QColor& paper);

}  // namespace kvatlas::views
