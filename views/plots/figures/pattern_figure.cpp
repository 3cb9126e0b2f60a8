#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "views/models/figures/figure_sidecar.h"
#include "views/models/figures/map_data.h"
#include "views/plots/chrome.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/figures/map_captions.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/offscreen.h"
#include "views/plots/raster_item.h"
#include "views/plots/span_marks.h"

namespace kvatlas::views {
namespace {

constexpr std::size_t kPanels = 6;

struct Values {
  FigureHead head;
  TraceFacts facts;
  std::vector<MapPanel> panels;
  double clip = 0;  // as asked or fitted to the maps
};

struct Layout {
  PanelGrid grid;
  Chrome chrome;
  std::vector<Tick> ticks;
  std::vector<SpanName> names;
  int height = 0;
};

std::vector<LayerIndex> layersOf(const trace::Reader& reader, const FigureSpec& spec) {
  if (spec.layers.empty()) return spreadLayers(reader, kPanels);
  std::vector<LayerIndex> layers;
  for (const std::uint32_t layer : spec.layers) {
    requireLayer(reader, layer);
    layers.emplace_back(layer);
  }
  return layers;
}

Layout planLayout(const FigureSpec& spec, const TraceFacts& facts, std::size_t panels, const ColourBar& bar,
                  std::size_t cells, const std::vector<std::string>& notes) {
  Layout layout;
  const int width = inches(spec.width_inches);
  const double tokens = static_cast<double>(facts.tokens);
  PanelGrid& grid = layout.grid;
  grid.count = panels;
  grid.columns = spec.columns > 0 ? spec.columns : std::min<std::size_t>(panels, spec.width_inches > 4.5 ? 3 : 2);
  layout.chrome = planChrome(spec.title, notes, width);
  grid.gap_x = grid.gap_y = static_cast<int>(points(7));
  const int number = Canvas::textWidth(std::to_string(facts.tokens), kTickPoints);
  const int room = width * 3 / 4 / static_cast<int>(grid.columns);  // about the width of a panel
  layout.ticks = linearTicks(0, tokens, static_cast<std::size_t>(std::clamp(2 * room / (3 * number), 3, 4)), true);
  const int axis = static_cast<int>(points(5.5)) + Canvas::textHeight(kLabelPoints);
  grid.left = kOuterMargin + axis + Canvas::widestTick(layout.ticks);
  const int right = static_cast<int>(points(10)) + colourBarWidth(bar) + kOuterMargin;
  const int columns = static_cast<int>(grid.columns);
  // The last number of a panel must not run into the first of the next.
  grid.gap_x += (Canvas::widestTick(layout.ticks) + Canvas::textWidth("0", kTickPoints)) / 2;
  const int side = (width - grid.left - right - (columns - 1) * grid.gap_x) / columns;
  requireReadable(side);
  grid.panel_width = grid.panel_height = snapSide(side, facts.tokens % cells == 0 || cells == facts.tokens ? cells : 0);
  if (columns > 1) grid.gap_x += (side - grid.panel_width) * columns / (columns - 1);
  if (spec.spans) layout.names = planSpanNames(facts.spans, tokens, grid.panel_width, 2);
  const bool marks = spec.spans && !facts.spans.empty();
  grid.top = layout.chrome.top() + (marks ? spanNamesHeight(layout.names) : 0);
  layout.height = grid.bottom() + axis + Canvas::textHeight(kTickPoints) + layout.chrome.bottom();
  return layout;
}

// A hatched square where a layer was not recorded or not yet flushed.
ValueGrid notCaptured() {
  return ValueGrid::filled(1, 1, std::numeric_limits<float>::quiet_NaN());
}

void drawPanel(Canvas& canvas, const Layout& layout, std::size_t index, const MapPanel& data, const ColourBar& bar,
               const FigureSpec& spec, const TraceFacts& facts) {
  const QRect area = layout.grid.area(index);
  const double tokens = static_cast<double>(facts.tokens);
  QCPAxisRect* panel = canvas.addPanel(area);
  panel->axis(QCPAxis::atBottom)->setRange(0, tokens);
  panel->axis(QCPAxis::atLeft)->setRange(0, tokens);
  panel->axis(QCPAxis::atLeft)->setRangeReversed(true);
  canvas.setTicks(panel->axis(QCPAxis::atBottom), layout.ticks, layout.grid.lowest(index));
  canvas.setTicks(panel->axis(QCPAxis::atLeft), layout.ticks, layout.grid.firstColumn(index));
  auto* map = new RasterItem(&canvas.plot(), panel);
  map->setData(data.grid.missing() ? notCaptured() : data.grid, makeColouring(bar.tables[0], bar.scale, canvas.theme()),
               spec.reduction == trace::Reduction::Max ? Pooling::Max : Pooling::Mean);
  map->setExtent(0, 0, tokens, tokens);
  const double inset = points(4);
  canvas.addText(QPointF(area.right() - inset, area.top() + inset), fmt::format("layer {}", data.layer.value),
                 {kLabelPoints, Qt::AlignRight | Qt::AlignTop, 0, true}, canvas.colours().ink);
  if (data.grid.missing())
    canvas.addText(area.center(), "not captured", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
  if (!spec.spans) return;
  if (!data.grid.missing()) outlineSpansOnMap(canvas, area, facts.spans, tokens);
  if (index < layout.grid.columns) drawKeySpans(canvas, area, facts.spans, tokens, layout.names);
}

std::string fitting(const std::string& text, const std::string& shorter, int length) {
  return Canvas::textWidth(text, kLabelPoints) <= length ? text : shorter;
}

void drawAxisTitles(Canvas& canvas, const Layout& layout) {
  const PanelGrid& grid = layout.grid;
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  const double centre_x = (grid.left + grid.right()) / 2.0, centre_y = (grid.top + grid.bottom()) / 2.0;
  canvas.addText(QPointF(kOuterMargin + half, centre_y),
                 fitting("query position (tokens)", "query", grid.bottom() - grid.top),
                 {kLabelPoints, Qt::AlignCenter, -90}, canvas.colours().ink);
  canvas.addText(QPointF(centre_x, grid.bottom() + points(5.5) + Canvas::textHeight(kTickPoints) + half),
                 fitting("key position (tokens)", "key", grid.right() - grid.left), {kLabelPoints, Qt::AlignCenter},
                 canvas.colours().ink);
}

Values gather(const trace::Reader& reader, const FigureSpec& spec) {
  requireMaps(reader);
  Values values;
  values.facts = traceFacts(reader);
  values.head = startFigure(spec, values.facts);
  const auto wanted =
      static_cast<std::size_t>(2 * inches(spec.width_inches / 2));  // cells at 600 per inch of half the width
  std::vector<std::uint32_t> missing;
  nlohmann::json maps = nlohmann::json::array();
  for (const LayerIndex layer : layersOf(reader, spec)) {
    values.panels.push_back(loadMap(reader, layer, std::nullopt, spec.reduction, wanted));
    if (values.panels.back().grid.missing()) missing.push_back(layer.value);
    maps.push_back(describeMap(values.panels.back()));
  }
  if (!missing.empty())
    values.head.warnings.push_back(
        fmt::format("layer {} was not written and is drawn as not captured", fmt::join(missing, ", ")));
  const bool fitted = spec.fit_clip && spec.scale == ScaleKind::Linear;
  values.clip = fitted ? fittedClip(values.panels, spec.clip) : spec.clip;
  FigureSpec drawn = spec;
  drawn.clip = values.clip;
  values.head.sidecar["maps"] = std::move(maps);
  values.head.sidecar["scale"] = describeScale(drawn);
  return values;
}

Figure draw(const Values& values, const FigureSpec& asked) {
  FigureSpec spec = asked;
  spec.clip = values.clip;
  const TraceFacts& facts = values.facts;
  const std::vector<MapPanel>& panels = values.panels;
  const ColourBar bar = mapColourBar(spec);
  std::vector<std::string> notes = commonNotes(facts);
  notes.push_back(headPhrase(std::nullopt, facts.query_heads));
  notes.push_back(cellPhrase(panels.front().cell, spec.reduction));
  if (!scaleNote(spec).empty()) notes.push_back(scaleNote(spec));
  ensureApplication();
  const std::size_t cells = (facts.tokens + panels.front().cell - 1) / panels.front().cell;
  const Layout layout = planLayout(spec, facts, panels.size(), bar, cells, notes);
  Figure figure{values.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  for (std::size_t i = 0; i < panels.size(); ++i) drawPanel(*figure.canvas, layout, i, panels[i], bar, spec, facts);
  drawAxisTitles(*figure.canvas, layout);
  const int bar_height = std::min(layout.grid.bottom() - layout.grid.top, inches(3.2));
  drawColourBar(*figure.canvas, bar, QPoint(layout.grid.right() + static_cast<int>(points(10)), layout.grid.top),
                bar_height);
  drawChrome(*figure.canvas, layout.chrome);
  return figure;
}

}  // namespace

// Small multiples of the head-averaged map of several layers with one colour bar.
FigureBuilder patternFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
