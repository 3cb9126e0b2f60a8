#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "views/models/figures/figure_sidecar.h"
#include "views/models/figures/needle_chart.h"
#include "views/models/number_text.h"
#include "views/plots/chrome.h"
#include "views/plots/figures/colour_bar.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/offscreen.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
namespace {

struct Values {
  FigureHead head;
  ResultsFacts facts;
  NeedleChart chart;
};

constexpr double kAxisSpace = 5;  // points between an axis and what is beside its numbers

struct Layout {
  PanelGrid grid;
  std::vector<std::size_t> places;  // of each panel, row by row; some places stay empty
  Chrome chrome;
  std::vector<Tick> lengths, depths;
  QPoint bar;
  int bar_height = 0, height = 0;

  [[nodiscard]] QRect area(std::size_t panel) const { return grid.area(places[panel]); }
  [[nodiscard]] bool taken(std::size_t slot) const {
    return std::find(places.begin(), places.end(), slot) != places.end();
  }
  // Nothing to the left in the same row, nothing below in the same column: there the numbers stand.
  [[nodiscard]] bool leftmost(std::size_t panel) const {
    const std::size_t slot = places[panel];
    return slot % grid.columns == 0 || !taken(slot - 1);
  }
  [[nodiscard]] bool lowest(std::size_t panel) const { return !taken(places[panel] + grid.columns); }
};

std::vector<Tick> cellTicks(const std::vector<double>& values) {
  std::vector<Tick> ticks;
  for (std::size_t i = 0; i < values.size(); ++i)
    ticks.push_back({static_cast<double>(i) + 0.5, plainNumber(std::round(values[i] * 10) / 10)});
  return ticks;
}

int titleHeight() {
  return Canvas::textHeight(kLabelPoints) + Canvas::textHeight(kTickPoints) + static_cast<int>(points(2));
}

// Rows are budgets and columns methods, unless the person asked for so many panels per row.
void placePanels(Layout& layout, const NeedleChart& chart, const FigureSpec& spec) {
  layout.grid.columns = spec.columns > 0 ? std::min(spec.columns, chart.panels.size()) : chart.columns;
  for (std::size_t i = 0; i < chart.panels.size(); ++i)
    layout.places.push_back(spec.columns > 0 ? i : chart.panels[i].row * chart.columns + chart.panels[i].column);
  layout.grid.count = *std::max_element(layout.places.begin(), layout.places.end()) + 1;
}

double aspectOf(std::size_t columns) {
  return columns == 1 ? 0.55 : columns == 2 ? 0.7 : 0.85;
}

Layout planLayout(const FigureSpec& spec, const NeedleChart& chart, const ColourBar& bar,
                  const std::vector<std::string>& notes) {
  Layout layout;
  placePanels(layout, chart, spec);
  PanelGrid& grid = layout.grid;
  const int width = inches(spec.width_inches), columns = static_cast<int>(grid.columns);
  layout.chrome = planChrome(spec.title, notes, width);
  layout.lengths = cellTicks({chart.lengths.begin(), chart.lengths.end()});
  layout.depths = cellTicks(chart.depths);
  grid.left = kOuterMargin + Canvas::textHeight(kLabelPoints) + static_cast<int>(points(kAxisSpace)) +
              Canvas::widestTick(layout.depths);
  // Below the only panel of the full cache there is room for the colour bar.
  const int bar_room = colourBarWidth(bar) + Canvas::widestTick(layout.depths) + static_cast<int>(points(kAxisSpace));
  const auto sideOf = [&](int right) {
    const int number = Canvas::widestTick(layout.lengths);
    const int cells = static_cast<int>(chart.lengths.size());
    const int cell = (width - grid.left - right) / columns / cells;
    grid.gap_x = std::max(static_cast<int>(points(6)), number - cell + static_cast<int>(points(3)));
    return (width - grid.left - right - (columns - 1) * grid.gap_x) / columns;
  };
  int side = sideOf(kOuterMargin + static_cast<int>(points(2)));
  const bool below = spec.columns == 0 && chart.rows > 1 && bar_room <= side;
  if (!below) side = sideOf(static_cast<int>(points(8)) + colourBarWidth(bar) + kOuterMargin);
  requireReadable(side);
  grid.panel_width = snapSide(side, chart.lengths.size());
  grid.panel_height = snapSide(static_cast<int>(side * aspectOf(grid.columns)), chart.depths.size());
  if (columns > 1) grid.gap_x += (side - grid.panel_width) * columns / (columns - 1);
  grid.gap_y = static_cast<int>(points(5)) + titleHeight();
  grid.top = layout.chrome.top() + titleHeight();
  const int row = grid.panel_height + grid.gap_y;
  layout.bar = below ? QPoint(grid.left, grid.top + row + static_cast<int>(points(14)))
                     : QPoint(grid.right() + static_cast<int>(points(8)), grid.top);
  layout.bar_height = std::min((below ? grid.bottom() : grid.bottom()) - layout.bar.y(), inches(2.4));
  layout.height = grid.bottom() + static_cast<int>(points(kAxisSpace)) + Canvas::textHeight(kTickPoints) +
                  Canvas::textHeight(kLabelPoints) + layout.chrome.bottom();
  return layout;
}

void drawTitle(Canvas& canvas, const QRect& area, const NeedlePanel& data) {
  const double second = area.top() - points(2), first = second - Canvas::textHeight(kTickPoints);
  const std::string title = Canvas::elided(data.title, kLabelPoints * 1.15, area.width());
  canvas.addText(QPointF(area.left(), first), title, {kLabelPoints, Qt::AlignLeft | Qt::AlignBottom, 0, true},
                 methodColour(data.branch.method, canvas.theme()));
  const std::string average = std::isnan(data.average) ? "–" : fmt::format("{:.2f}", data.average);
  canvas.addText(QPointF(area.right() + 1, second), average, {kTickPoints, Qt::AlignRight | Qt::AlignBottom, 0, true},
                 canvas.colours().ink);
  if (data.branch.is_full) return;
  const int room = area.width() - Canvas::textWidth(average, kTickPoints, true) - static_cast<int>(points(3));
  const std::string budget = "budget " + data.branch.budget;
  canvas.addText(
      QPointF(area.left(), second),
      Canvas::textWidth(budget, kTickPoints) <= room ? budget : Canvas::elided(data.branch.budget, kTickPoints, room),
      {kTickPoints, Qt::AlignLeft | Qt::AlignBottom}, canvas.colours().muted);
}

// Thin lines of the paper's colour between the cells, where cells are large enough to bear them.
void separateCells(Canvas& canvas, const QRect& area, std::size_t columns, std::size_t rows) {
  const double width = static_cast<double>(area.width()) / static_cast<double>(columns),
               height = static_cast<double>(area.height()) / static_cast<double>(rows);
  if (std::min(width, height) < points(2.5)) return;
  const QPen pen(toColour(canvas.colours().paper), points(0.3), Qt::SolidLine, Qt::FlatCap);
  for (std::size_t c = 1; c < columns; ++c) {
    const double x = area.left() + width * static_cast<double>(c);
    canvas.addLine(QPointF(x, area.top()), QPointF(x, area.bottom() + 1), pen);
  }
  for (std::size_t r = 1; r < rows; ++r) {
    const double y = area.top() + height * static_cast<double>(r);
    canvas.addLine(QPointF(area.left(), y), QPointF(area.right() + 1, y), pen);
  }
}

void drawPanel(Canvas& canvas, const Layout& layout, const NeedleChart& chart, std::size_t index,
               const ColourBar& bar) {
  const NeedlePanel& data = chart.panels[index];
  const QRect area = layout.area(index);
  const double lengths = static_cast<double>(chart.lengths.size()), depths = static_cast<double>(chart.depths.size());
  QCPAxisRect* panel = canvas.addPanel(area);
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  x->setRange(0, lengths);
  y->setRange(0, depths);
  y->setRangeReversed(true);  // the beginning of the text is at the top
  canvas.setTicks(x, Canvas::withoutTouching(layout.lengths, *x, area.width()), layout.lowest(index));
  canvas.setTicks(y, Canvas::withoutTouching(layout.depths, *y, area.height()), layout.leftmost(index));
  auto* cells = new RasterItem(&canvas.plot(), panel);
  cells->setData(data.grid, makeColouring(bar.tables[0], bar.scale, canvas.theme()), Pooling::Mean);
  cells->setExtent(0, 0, lengths, depths);
  separateCells(canvas, area, chart.lengths.size(), chart.depths.size());
  drawTitle(canvas, area, data);
}

void drawAxisTitles(Canvas& canvas, const Layout& layout) {
  const PanelGrid& grid = layout.grid;
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  const QRect first = grid.area(0);
  const std::string depth = "depth of the needle (%)";
  canvas.addText(QPointF(kOuterMargin + half, first.center().y()),
                 Canvas::textWidth(depth, kLabelPoints) <= first.height() ? depth : "depth (%)",
                 {kLabelPoints, Qt::AlignCenter, -90}, canvas.colours().ink);
  canvas.addText(QPointF((grid.left + grid.right()) / 2.0,
                         grid.bottom() + points(kAxisSpace) + Canvas::textHeight(kTickPoints) + half),
                 "context length (tokens)", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
}

bool anyMissing(const NeedleChart& chart) {
  for (const NeedlePanel& panel : chart.panels)
    for (const float value : panel.grid.values)
      if (std::isnan(value)) return true;
  return false;
}

// Scores by depth, then length.
nlohmann::json describeScores(const NeedleChart& chart) {
  nlohmann::json panels = nlohmann::json::array();
  for (const NeedlePanel& panel : chart.panels) {
    nlohmann::json rows = nlohmann::json::array();
    for (std::size_t d = 0; d < panel.grid.rows; ++d) {
      std::vector<double> row;
      for (std::size_t l = 0; l < panel.grid.columns; ++l) row.push_back(static_cast<double>(panel.grid.at(d, l)));
      rows.push_back(numbersOf(row));
    }
    nlohmann::json described = describeBranch(panel.branch);
    described.update({{"title", panel.title},
                      {"average", std::isnan(panel.average) ? nlohmann::json(nullptr) : nlohmann::json(panel.average)},
                      {"records", panel.records},
                      {"kept", panel.kept},
                      {"scores", std::move(rows)}});
    panels.push_back(std::move(described));
  }
  return {{"lengths", chart.lengths}, {"depths", chart.depths}, {"panels", std::move(panels)}};
}

Values gather(const results::ResultsReader& reader, const FigureSpec& spec) {
  Values values;
  values.facts = resultsFacts(reader, spec.score);
  values.chart = needleChart(reader, spec);
  values.head = startFigure(spec, reader);
  values.head.sidecar["needle"] = describeScores(values.chart);
  values.head.sidecar["scale"] = {{"kind", "linear"}, {"low", 0}, {"high", 1}, {"colour_map", spec.colour_map}};
  return values;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const NeedleChart& chart = values.chart;
  const ColourBar bar{{spec.colour_map == "score" ? scoreTable() : colourTable(spec.colour_map)},
                      {ScaleKind::Linear, 0, 1},
                      false,
                      false,
                      scoreTitle(values.facts.score)};
  std::vector<std::string> notes = commonNotes(values.facts);
  notes.emplace_back("number above a panel: mean of its cells' answers");
  if (anyMissing(chart)) notes.emplace_back("hatched: not run");
  ensureApplication();
  const Layout layout = planLayout(spec, chart, bar, notes);
  Figure figure{values.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  for (std::size_t i = 0; i < chart.panels.size(); ++i) drawPanel(*figure.canvas, layout, chart, i, bar);
  drawAxisTitles(*figure.canvas, layout);
  drawColourBar(*figure.canvas, bar, layout.bar, layout.bar_height);
  drawChrome(*figure.canvas, layout.chrome);
  return figure;
}

}  // namespace

// Scores by context length and depth, one panel per method and budget on one scale.
FigureBuilder needleFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
