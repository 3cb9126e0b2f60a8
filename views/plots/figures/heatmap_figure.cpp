#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/models/figures/map_data.h"
#include "views/models/figures/run_strips.h"
#include "views/plots/chrome.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/figures/map_captions.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/offscreen.h"
#include "views/plots/raster_item.h"
#include "views/plots/span_marks.h"

namespace kvatlas::views {
namespace {

struct Data {
  FigureHead head;
  TraceFacts facts;
  trace::ModelInfo model;
  MapPanel map;
  std::vector<float> received, entropy;
  std::vector<ChosenRun> runs;
};

struct Layout {
  Chrome chrome;
  QRect map, track, entropy;
  std::vector<QRect> strips;
  std::vector<Tick> ticks;
  std::vector<SpanName> names;
  int bar_left = 0, height = 0;
};

LayerIndex layerOf(const trace::Reader& reader, const FigureSpec& spec) {
  if (spec.layer) {
    requireLayer(reader, *spec.layer);
    return LayerIndex(*spec.layer);
  }
  const std::vector<LayerIndex>& recorded = reader.header().attention.layers;
  return recorded[recorded.size() / 2];
}

void loadRuns(const trace::Reader& reader, const FigureSpec& spec, Data& data) {
  std::vector<std::string>& warnings = data.head.warnings;
  if (!anyFinishedRun(reader)) {
    warnings.emplace_back("the trace holds no finished run; no kept strips are drawn");
    return;
  }
  RunChoice choice = chooseRuns(reader, spec.runs, oneBudget({&reader}, spec.runs, spec.budgets));
  warnings.insert(warnings.end(), choice.warnings.begin(), choice.warnings.end());
  data.runs = std::move(choice.runs);
}

void describe(const Data& data, const FigureSpec& spec, nlohmann::json& sidecar) {
  sidecar["maps"] = nlohmann::json::array({describeMap(data.map)});
  sidecar["scale"] = describeScale(spec);
  nlohmann::json runs = nlohmann::json::array();
  for (const ChosenRun& run : data.runs) runs.push_back(describeRun(run));
  sidecar["runs"] = std::move(runs);
  sidecar["tracks"] = {{"received", !data.received.empty()}, {"entropy", !data.entropy.empty()}};
}

Data gather(const trace::Reader& reader, const FigureSpec& spec) {
  requireMaps(reader);
  Data data;
  data.facts = traceFacts(reader);
  data.model = reader.header().model;
  data.head = startFigure(spec, data.facts);
  const LayerIndex layer = layerOf(reader, spec);
  if (spec.head) requireHead(reader, *spec.head);
  const std::optional<HeadIndex> head = spec.head ? std::optional(HeadIndex(*spec.head)) : std::nullopt;
  data.map = loadMap(reader, layer, head, spec.reduction, static_cast<std::size_t>(2 * inches(spec.width_inches)));
  if (data.map.grid.missing())
    fail("{}: its capture stopped before layer {} was written", reader.path().string(), layer.value);
  data.received = loadTrack(reader, layer, head, trace::Signal::Received);
  if (spec.entropy) data.entropy = loadTrack(reader, layer, head, trace::Signal::Entropy);
  if (spec.entropy && data.entropy.empty())
    data.head.warnings.emplace_back("the trace holds no entropy; its track is left out");
  loadRuns(reader, spec, data);
  describe(data, spec, data.head.sidecar);
  return data;
}

std::string stripLabel(const ChosenRun& run) {
  return Canvas::elided(fmt::format("{} {}", run.title, run.header.budget), kTickPoints, inches(1.0));
}

// The column right of the map: strip labels above, entropy track and colour bar below.
int rightColumn(const Data& data, const ColourBar& bar, int entropy_width) {
  int labels = Canvas::textWidth("received mass", kTickPoints);
  for (const ChosenRun& run : data.runs) labels = std::max(labels, Canvas::textWidth(stripLabel(run), kTickPoints));
  return std::max(labels + static_cast<int>(points(4)),
                  entropy_width + static_cast<int>(points(9)) + colourBarWidth(bar));
}

Layout planLayout(const FigureSpec& spec, const TraceFacts& facts, const Data& data, const ColourBar& bar,
                  const std::vector<std::string>& notes) {
  Layout layout;
  const int width = inches(spec.width_inches);
  const double tokens = static_cast<double>(facts.tokens);
  layout.chrome = planChrome(spec.title, notes, width);
  layout.ticks = linearTicks(0, tokens, 5, true);
  const int gap = static_cast<int>(points(3));
  const int text = Canvas::textHeight(kLabelPoints), axis = static_cast<int>(points(5));
  const int left = kOuterMargin + text + axis + Canvas::widestTick(layout.ticks);
  const int entropy_width =
      data.entropy.empty() ? 0 : inches(std::max(0.32, spec.width_inches * 0.08)) + static_cast<int>(points(8));
  const int side = width - left - rightColumn(data, bar, entropy_width) - kOuterMargin;
  requireReadable(side);
  const bool whole = facts.tokens % data.map.cell == 0;
  const int map_side = snapSide(side, whole ? data.map.grid.columns : 0);
  if (spec.spans) layout.names = planSpanNames(facts.spans, tokens, map_side, 2);
  const bool marks = spec.spans && !facts.spans.empty();
  int y = layout.chrome.top() + (marks ? spanNamesHeight(layout.names) : 0);
  if (!data.received.empty()) {
    layout.track = {left, y, map_side, inches(0.42)};
    y += layout.track.height() + gap;
  }
  const int strip = static_cast<int>(points(7));
  for (std::size_t i = 0; i < data.runs.size(); ++i) {
    layout.strips.emplace_back(left, y, map_side, strip);
    y += strip + static_cast<int>(points(1.5));
  }
  y += data.runs.empty() ? 0 : gap;
  layout.map = {left, y, map_side, map_side};
  const int right = left + map_side + static_cast<int>(points(5));
  if (entropy_width > 0) layout.entropy = {right, y, entropy_width - static_cast<int>(points(8)), map_side};
  layout.bar_left = right + entropy_width + static_cast<int>(points(2));
  layout.height = y + map_side + axis + Canvas::textHeight(kTickPoints) + text + layout.chrome.bottom();
  return layout;
}

void setTokenAxis(QCPAxis* axis, double tokens, bool down) {
  axis->setRange(0, tokens);
  axis->setRangeReversed(down);
}

void sideLabel(Canvas& canvas, const QRect& area, const std::string& text, Rgb colour) {
  canvas.addText(QPointF(area.right() + 1 + points(4), area.center().y() + 0.5), text,
                 {kTickPoints, Qt::AlignLeft | Qt::AlignVCenter}, colour);
}

// The largest value of each column of units, so that a single heavy key stays visible.
QCPGraph* addEnvelope(QCPAxis* key, QCPAxis* value, const std::vector<float>& values, int units, Pooling pooling) {
  const auto columns = std::min(values.size(), static_cast<std::size_t>(units));
  ValueGrid grid = ValueGrid::filled(1, values.size(), 0);
  grid.values = values;
  const ValueGrid reduced = resample(grid, 1, columns, pooling);
  const double step = static_cast<double>(values.size()) / static_cast<double>(columns);
  auto* graph = new QCPGraph(key, value);
  for (std::size_t c = 0; c < columns; ++c)
    graph->addData((static_cast<double>(c) + 0.5) * step,
                   std::max(static_cast<double>(reduced.values[c]), value->range().lower));
  graph->setLineStyle(QCPGraph::lsStepCenter);
  return graph;
}

void drawReceived(Canvas& canvas, const Layout& layout, const Data& data, double tokens) {
  if (data.received.empty()) return;
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const float value : data.received) {
    if (value > 0) low = std::min(low, static_cast<double>(value));
    high = std::max(high, static_cast<double>(value));
  }
  if (high <= 0) return;
  constexpr double kLowest = 1e-3;  // a share of one query in a thousand: below it nothing is told apart
  const double bottom = std::pow(10, std::floor(std::log10(std::max(std::min(low, high / 10), kLowest))));
  const double top = std::pow(10, std::ceil(std::log10(high) + 1e-9));
  QCPAxisRect* panel = canvas.addPanel(layout.track);
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  setTokenAxis(x, tokens, false);
  y->setScaleType(QCPAxis::stLogarithmic);
  y->setRange(bottom, top);
  canvas.setTicks(x, layout.ticks, false);
  canvas.setTicks(y, logTicks(bottom, top, 3));
  QCPGraph* graph = addEnvelope(x, y, data.received, layout.track.width(), Pooling::Max);
  graph->setPen(QPen(toColour(canvas.colours().ink), points(0.4), Qt::SolidLine, Qt::FlatCap, Qt::MiterJoin));
  graph->setBrush(toColour(canvas.colours().muted, 0.3));
  sideLabel(canvas, layout.track, "received mass", canvas.colours().ink);
}

void drawStrips(Canvas& canvas, const Layout& layout, const Data& data, const trace::ModelInfo& model,
                std::uint64_t tokens) {
  for (std::size_t i = 0; i < data.runs.size(); ++i) {
    const ChosenRun& run = data.runs[i];
    const Rgb colour = methodColour(run.header.method, canvas.theme());
    QCPAxisRect* panel = canvas.addPanel(layout.strips[i], false);
    setTokenAxis(panel->axis(QCPAxis::atBottom), static_cast<double>(tokens), false);
    panel->axis(QCPAxis::atLeft)->setRange(0, 1);
    auto* item = new RasterItem(&canvas.plot(), panel);
    item->setData(keptStrip(model, tokens, run, data.map.layer, data.map.head),
                  makeColouring(rampTo(canvas.colours().evicted, colour), ValueScale{}, canvas.theme()), Pooling::Max);
    item->setExtent(0, 1, static_cast<double>(tokens), 0);
    sideLabel(canvas, layout.strips[i], stripLabel(run), colour);
  }
}

void drawEntropy(Canvas& canvas, const Layout& layout, const Data& data, double tokens) {
  if (data.entropy.empty()) return;
  QCPAxisRect* panel = canvas.addPanel(layout.entropy);
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  setTokenAxis(y, tokens, true);
  const double most = std::max(std::log(tokens), 1.0);
  x->setRange(0, most);
  canvas.setTicks(y, layout.ticks, false);
  canvas.setTicks(x, linearTicks(0, most, 2, true));
  QCPGraph* graph = addEnvelope(y, x, data.entropy, layout.entropy.height(), Pooling::Mean);
  graph->setPen(QPen(toColour(canvas.colours().ink), points(0.5), Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin));
  canvas.addText(
      QPointF(layout.entropy.center().x() + 0.5, layout.entropy.bottom() + points(5) + Canvas::textHeight(kTickPoints) +
                                                     Canvas::textHeight(kLabelPoints) / 2.0),
      "H (nats)", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
}

void drawMap(Canvas& canvas, const Layout& layout, const Data& data, const ColourBar& bar, const FigureSpec& spec,
             const TraceFacts& facts) {
  const double tokens = static_cast<double>(facts.tokens);
  QCPAxisRect* panel = canvas.addPanel(layout.map);
  setTokenAxis(panel->axis(QCPAxis::atBottom), tokens, false);
  setTokenAxis(panel->axis(QCPAxis::atLeft), tokens, true);
  canvas.setTicks(panel->axis(QCPAxis::atBottom), layout.ticks);
  canvas.setTicks(panel->axis(QCPAxis::atLeft), layout.ticks);
  auto* map = new RasterItem(&canvas.plot(), panel);
  map->setData(data.map.grid, makeColouring(bar.tables[0], bar.scale, canvas.theme()),
               spec.reduction == trace::Reduction::Max ? Pooling::Max : Pooling::Mean);
  map->setExtent(0, 0, tokens, tokens);
  const double inset = points(4);
  const QPointF corner(layout.map.right() - inset, layout.map.top() + inset);
  canvas.addText(corner, fmt::format("layer {}", data.map.layer.value),
                 {kLabelPoints, Qt::AlignRight | Qt::AlignTop, 0, true}, canvas.colours().ink);
  canvas.addText(corner + QPointF(0, Canvas::textHeight(kLabelPoints)), headPhrase(data.map.head, facts.query_heads),
                 {kTickPoints, Qt::AlignRight | Qt::AlignTop}, canvas.colours().ink);
  if (spec.spans) {
    outlineSpansOnMap(canvas, layout.map, facts.spans, tokens);
    drawQuerySpans(canvas, layout.map, facts.spans, tokens);
    const QRect top = !layout.track.isNull() ? layout.track : layout.strips.empty() ? layout.map : layout.strips[0];
    drawKeySpans(canvas, top, facts.spans, tokens, layout.names);
  }
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  canvas.addText(QPointF(kOuterMargin + half, layout.map.center().y()), "query position (tokens)",
                 {kLabelPoints, Qt::AlignCenter, -90}, canvas.colours().ink);
  canvas.addText(
      QPointF(layout.map.center().x(), layout.map.bottom() + points(5) + Canvas::textHeight(kTickPoints) + half),
      "key position (tokens)", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
}

Figure draw(const Data& data, const FigureSpec& spec) {
  const TraceFacts& facts = data.facts;
  const ColourBar bar = mapColourBar(spec);
  ensureApplication();
  std::vector<std::string> notes = commonNotes(facts);
  notes.push_back(cellPhrase(data.map.cell, spec.reduction));
  if (!scaleNote(spec).empty()) notes.push_back(scaleNote(spec));
  if (!data.runs.empty())
    notes.push_back(data.map.head ? "coloured: kept, grey: evicted"
                                  : "strips: fraction of the layer's heads that keep the key");
  const Layout layout = planLayout(spec, facts, data, bar, notes);
  Figure figure{data.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  Canvas& canvas = *figure.canvas;
  drawReceived(canvas, layout, data, static_cast<double>(facts.tokens));
  drawStrips(canvas, layout, data, data.model, facts.tokens);
  drawMap(canvas, layout, data, bar, spec, facts);
  drawEntropy(canvas, layout, data, static_cast<double>(facts.tokens));
  drawColourBar(canvas, bar, QPoint(layout.bar_left, layout.map.top()), std::min(layout.map.height(), inches(3)));
  drawChrome(canvas, layout.chrome);
  return figure;
}

}  // namespace

// One map with received mass and the kept strips of the runs along its keys, entropy along its queries.
FigureBuilder heatmapFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
