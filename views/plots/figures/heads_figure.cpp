#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "views/models/figures/figure_sidecar.h"
#include "views/plots/figures/cell_grid.h"
#include "views/plots/figures/figure_builder.h"

namespace kvatlas::views {
namespace {

struct Values {
  FigureHead head;
  policy::HeadTable table;
};

Values gather(const policy::HeadTable& table, const FigureSpec& spec) {
  Values values{{sidecarBase(spec), {}, spec.title.empty() ? "scores of heads, " + table.file : spec.title, {}}, table};
  values.head.sidecar["heads"] = {{"file", table.file},
                                  {"layers", table.layers},
                                  {"query_heads", table.heads},
                                  {"samples", table.samples},
                                  {"values", numbersOf(table.values)}};
  return values;
}

// A round number that no score exceeds.
double topOf(const std::vector<double>& scores) {
  const double most = scores.empty() ? 0.0 : *std::ranges::max_element(scores);
  if (!(most > 0) || !std::isfinite(most)) return 1;
  const double unit = std::pow(10.0, std::floor(std::log10(most)));
  return std::ceil(most / unit * 2) / 2 * unit;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const policy::HeadTable& table = values.table;
  CellGrid grid;
  grid.values = ValueGrid::filled(table.layers, table.heads, 0);
  grid.column_title = "query head";
  grid.bar.tables = {colourTable(spec.colour_map)};
  grid.bar.scale = {ScaleKind::Linear, 0, topOf(table.values)};
  grid.bar.label = "score";
  grid.notes = {table.file, fmt::format("{} layers × {} heads", table.layers, table.heads)};
  std::ranges::transform(table.values, grid.values.values.begin(), [](double x) { return static_cast<float>(x); });
  if (table.samples > 0) grid.notes.push_back(fmt::format("mean of {} samples", table.samples));
  Figure figure = drawCellGrid(values.head, grid, spec);
  figure.sidecar["scale"] = {
      {"kind", "linear"}, {"low", 0}, {"high", grid.bar.scale.high}, {"colour_map", spec.colour_map}};
  return figure;
}

}  // namespace

// A table's score of every query head.
FigureBuilder headsFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
