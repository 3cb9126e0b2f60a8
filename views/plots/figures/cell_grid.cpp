#include "views/plots/figures/cell_grid.h"

#include <algorithm>

#include "views/models/contrast.h"
#include "views/plots/chrome.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/offscreen.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
namespace {

constexpr double kAxisSpace = 5;  // points between tick labels and the axis title

struct Layout {
  QRect panel;
  Chrome chrome;
  std::vector<Tick> layers, columns;
  int bar_left = 0, height = 0;
};

// One label in the middle of each cell.
std::vector<Tick> cellTicks(std::size_t count) {
  std::vector<Tick> ticks;
  for (std::size_t i = 0; i < count; ++i) ticks.push_back({static_cast<double>(i) + 0.5, std::to_string(i)});
  return ticks;
}

Layout planLayout(const FigureSpec& spec, const CellGrid& grid) {
  Layout layout;
  const int width = inches(spec.width_inches);
  layout.chrome = planChrome(spec.title, grid.notes, width);
  layout.layers = cellTicks(grid.values.rows);
  layout.columns = cellTicks(grid.values.columns);
  const int axis = Canvas::textHeight(kLabelPoints) + static_cast<int>(points(kAxisSpace));
  const int left = kOuterMargin + axis + Canvas::widestTick(layout.layers);
  const int room = width - left - static_cast<int>(points(8)) - colourBarWidth(grid.bar) - kOuterMargin;
  requireReadable(room);
  const int columns = static_cast<int>(grid.values.columns);
  const int cell = std::max(1, room / columns);
  // Cells as tall as a number, lower in deep models.
  const int layers = static_cast<int>(grid.values.rows);
  const int row = std::clamp(inches(3.6) / layers, 1, std::min(std::max(cell, inches(0.12)), inches(0.22)));
  const int panel_width = columns <= room ? cell * columns : room;
  layout.panel = QRect(left, layout.chrome.top() + static_cast<int>(points(2)), panel_width, row * layers);
  layout.bar_left = layout.panel.right() + static_cast<int>(points(8));
  const int body = std::max(layout.panel.height() + axis + Canvas::textHeight(kTickPoints), inches(0.9));
  layout.height = layout.panel.top() + body + layout.chrome.bottom();
  return layout;
}

// Where they fit.
void drawNumbers(Canvas& canvas, const Layout& layout, const CellGrid& grid) {
  const double width = layout.panel.width() / static_cast<double>(grid.values.columns),
               height = layout.panel.height() / static_cast<double>(grid.values.rows);
  if (!grid.number || width < Canvas::textWidth(grid.widest, kTickPoints) + points(2) ||
      height < Canvas::textHeight(kTickPoints))
    return;
  for (std::size_t row = 0; row < grid.values.rows; ++row)
    for (std::size_t column = 0; column < grid.values.columns; ++column) {
      const auto value = static_cast<double>(grid.values.at(row, column));
      canvas.addText(QPointF(layout.panel.left() + (static_cast<double>(column) + 0.5) * width,
                             layout.panel.top() + (static_cast<double>(row) + 0.5) * height),
                     grid.number(value), {kTickPoints, Qt::AlignCenter},
                     inkOn(grid.bar.tables[0].at(grid.bar.scale.position(value))));
    }
}

void drawPanel(Canvas& canvas, const Layout& layout, const CellGrid& grid) {
  QCPAxisRect* panel = canvas.addPanel(layout.panel);
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  x->setRange(0, static_cast<double>(grid.values.columns));
  y->setRange(0, static_cast<double>(grid.values.rows));
  y->setRangeReversed(true);
  canvas.setTicks(x, Canvas::withoutTouching(layout.columns, *x, layout.panel.width()));
  canvas.setTicks(y, Canvas::withoutTouching(layout.layers, *y, layout.panel.height()));
  auto* cells = new RasterItem(&canvas.plot(), panel);
  cells->setData(grid.values, makeColouring(grid.bar.tables[0], grid.bar.scale, canvas.theme()), Pooling::Mean);
  cells->setExtent(0, 0, static_cast<double>(grid.values.columns), static_cast<double>(grid.values.rows));
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  canvas.addText(QPointF(kOuterMargin + half, layout.panel.center().y()), "layer", {kLabelPoints, Qt::AlignCenter, -90},
                 canvas.colours().ink);
  canvas.addText(QPointF(layout.panel.center().x(),
                         layout.panel.bottom() + points(kAxisSpace) + Canvas::textHeight(kTickPoints) + half),
                 grid.column_title, {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
}

}  // namespace

Figure drawCellGrid(const FigureHead& head, const CellGrid& grid, const FigureSpec& spec) {
  ensureApplication();
  const Layout layout = planLayout(spec, grid);
  Figure figure{head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  drawPanel(*figure.canvas, layout, grid);
  drawNumbers(*figure.canvas, layout, grid);
  drawColourBar(*figure.canvas, grid.bar, QPoint(layout.bar_left, layout.panel.top()),
                std::clamp(layout.panel.height(), inches(0.8), inches(2.4)));
  drawChrome(*figure.canvas, layout.chrome);
  return figure;
}

}  // namespace kvatlas::views
