#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/models/figures/run_strips.h"
#include "views/models/number_text.h"
#include "views/plots/chrome.h"
#include "views/plots/figures/colour_bar.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/offscreen.h"
#include "views/plots/raster_item.h"
#include "views/plots/span_marks.h"

namespace kvatlas::views {
namespace {

struct Layout {
  PanelGrid grid;
  Chrome chrome;
  std::vector<Tick> positions, layers;
  std::vector<SpanName> names;
  int height = 0;
};

// One panel: a run, the fraction of heads that keep each position, and what stands above it.
struct Strip {
  ChosenRun run;
  ValueGrid kept;  // [layers, N]
  std::string title;
};

struct Values {
  FigureHead head;
  TraceFacts facts;
  std::string budget;
  std::vector<Strip> strips;
};

std::vector<Strip> stripsOf(const Traces& traces, std::vector<RunChoice> choices) {
  std::vector<Strip> strips;
  const std::vector<std::string> names = traceNames(traces);
  const std::uint32_t layers = traces.front()->header().model.layers;
  for (std::size_t i = 0; i < traces.size(); ++i) {
    const trace::ModelInfo& model = traces[i]->header().model;
    if (model.layers != layers)
      fail("{} has {} layers, {} has {}: they cannot stand in one figure", traces.front()->path().string(), layers,
           traces[i]->path().string(), model.layers);
    for (ChosenRun& run : choices[i].runs) {
      std::string title = names[i].empty() ? run.title : run.title + " · " + names[i];
      ValueGrid kept = keptFractions(model, traces[i]->tokens(), run);
      strips.push_back({std::move(run), std::move(kept), std::move(title)});
    }
  }
  return strips;
}

// A ramp per distinct method from the page's own colour to the method's.
ColourBar barOf(const std::vector<Strip>& strips, Theme theme) {
  ColourBar bar{{}, {ScaleKind::Linear, 0, 1}, false, false, "fraction of heads that keep the position"};
  std::vector<std::string> seen;
  for (const Strip& strip : strips) {
    const std::string& method = strip.run.header.method;
    if (std::find(seen.begin(), seen.end(), method) != seen.end()) continue;
    seen.push_back(method);
    bar.tables.push_back(rampTo(themeColours(theme).evicted, methodColour(method, theme)));
  }
  return bar;
}

Layout planLayout(const FigureSpec& spec, const TraceFacts& facts, std::size_t panels, const ColourBar& bar,
                  const std::vector<std::string>& notes) {
  Layout layout;
  const int width = inches(spec.width_inches);
  const double tokens = static_cast<double>(facts.tokens);
  layout.chrome = planChrome(spec.title, notes, width);
  PanelGrid& grid = layout.grid;
  grid.count = panels;
  grid.columns = 1;
  // Every layer gets whole units, between 2 and 12 points.
  const int row = std::clamp(inches(0.75) / static_cast<int>(facts.layers), static_cast<int>(points(1.5)),
                             static_cast<int>(points(8)));
  grid.panel_height = row * static_cast<int>(facts.layers);
  layout.layers =
      linearTicks(0, facts.layers - 1 + 1e-6,
                  static_cast<std::size_t>(std::max(2, grid.panel_height / static_cast<int>(points(10)))), true);
  layout.positions = linearTicks(0, tokens, spec.width_inches > 4.5 ? 9 : 5, true);
  grid.left =
      kOuterMargin + Canvas::textHeight(kLabelPoints) + static_cast<int>(points(5)) + Canvas::widestTick(layout.layers);
  const int right = static_cast<int>(points(8)) + colourBarWidth(bar) + kOuterMargin;
  const int wide = width - grid.left - right;
  requireReadable(wide);
  grid.panel_width = facts.tokens < static_cast<std::uint64_t>(wide) ? snapSide(wide, facts.tokens) : wide;
  grid.gap_y = static_cast<int>(points(3)) + Canvas::textHeight(kLabelPoints);
  if (spec.spans) layout.names = planSpanNames(facts.spans, tokens, grid.panel_width, 3);
  const bool marks = spec.spans && !facts.spans.empty();
  grid.top = layout.chrome.top() + (marks ? spanNamesHeight(layout.names) : 0) + Canvas::textHeight(kLabelPoints) +
             static_cast<int>(points(2));
  layout.height = grid.bottom() + static_cast<int>(points(5)) + Canvas::textHeight(kTickPoints) +
                  Canvas::textHeight(kLabelPoints) + layout.chrome.bottom();
  return layout;
}

void drawPanel(Canvas& canvas, const Layout& layout, std::size_t index, const Strip& strip, const FigureSpec& spec,
               const TraceFacts& facts) {
  const ChosenRun& run = strip.run;
  const QRect area = layout.grid.area(index);
  const double tokens = static_cast<double>(facts.tokens), layers = facts.layers;
  QCPAxisRect* panel = canvas.addPanel(area);
  panel->axis(QCPAxis::atBottom)->setRange(0, tokens);
  panel->axis(QCPAxis::atLeft)->setRange(-0.5, layers - 0.5);
  panel->axis(QCPAxis::atLeft)->setRangeReversed(true);  // the input is at the top, as in the maps
  canvas.setTicks(panel->axis(QCPAxis::atBottom), layout.positions, layout.grid.lowest(index));
  canvas.setTicks(panel->axis(QCPAxis::atLeft), layout.layers);
  auto* tiles = new RasterItem(&canvas.plot(), panel);
  const ColourTable ramp = rampTo(canvas.colours().evicted, methodColour(run.header.method, canvas.theme()));
  tiles->setData(strip.kept, makeColouring(ramp, ValueScale{}, canvas.theme()), Pooling::Max);
  tiles->setExtent(0, -0.5, tokens, layers - 0.5);
  if (spec.spans) outlineSpansOnStrip(canvas, area, facts.spans, tokens);
  const QPointF corner(area.left(), area.top() - points(2));
  canvas.addText(corner, strip.title, {kLabelPoints, Qt::AlignLeft | Qt::AlignBottom, 0, true},
                 methodColour(run.header.method, canvas.theme()));
  std::string kept = fmt::format("{:.1f} of {} tokens per head", run.record.budget_realised, grouped(facts.tokens));
  const int room = area.width() - Canvas::textWidth(strip.title, kLabelPoints, true) - static_cast<int>(points(6));
  if (Canvas::textWidth(kept, kTickPoints) > room)
    kept = fmt::format("{:.1f} tokens per head", run.record.budget_realised);
  if (Canvas::textWidth(kept, kTickPoints) > room) return;
  canvas.addText(QPointF(area.right() + 1, corner.y()), kept, {kTickPoints, Qt::AlignRight | Qt::AlignBottom},
                 canvas.colours().muted);
}

void drawAxisTitles(Canvas& canvas, const Layout& layout) {
  const PanelGrid& grid = layout.grid;
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  canvas.addText(QPointF(kOuterMargin + half, (grid.top + grid.bottom()) / 2.0), "layer",
                 {kLabelPoints, Qt::AlignCenter, -90}, canvas.colours().ink);
  canvas.addText(
      QPointF((grid.left + grid.right()) / 2.0, grid.bottom() + points(5) + Canvas::textHeight(kTickPoints) + half),
      "position in the prompt (tokens)", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
}

Values gather(const Traces& traces, const FigureSpec& spec) {
  if (spec.budgets.size() > 1)
    failUsage("--budget: an eviction figure shows one budget, {} were given", spec.budgets.size());
  Values values;
  values.facts = traceFacts(*traces.front());
  const std::vector<std::string> budget = oneBudget(traces, spec.runs, spec.budgets);
  const std::vector<RunChoice> choices = chooseRuns(traces, spec.runs, budget);
  values.head = startFigure(spec, traces, choices);
  for (const RunChoice& choice : choices)
    values.head.warnings.insert(values.head.warnings.end(), choice.warnings.begin(), choice.warnings.end());
  values.budget = budget.front();
  values.strips = stripsOf(traces, choices);
  values.head.sidecar["scale"] = {{"kind", "linear"}, {"low", 0}, {"high", 1}, {"reduction", "max"}};
  return values;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const TraceFacts& facts = values.facts;
  const std::vector<Strip>& strips = values.strips;
  ensureApplication();
  const ColourBar bar = barOf(strips, spec.theme);
  std::vector<std::string> notes = commonNotes(facts);
  notes.push_back(fmt::format("budget {}", values.budget));
  notes.emplace_back("max where several positions share a dot");
  const Layout layout = planLayout(spec, facts, strips.size(), bar, notes);
  Figure figure{values.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  Canvas& canvas = *figure.canvas;
  for (std::size_t i = 0; i < strips.size(); ++i) drawPanel(canvas, layout, i, strips[i], spec, facts);
  if (spec.spans) {
    // Above the titles of the first panel.
    QRect above = layout.grid.area(0);
    above.moveTop(above.top() - Canvas::textHeight(kLabelPoints) - static_cast<int>(points(2)));
    drawKeySpans(canvas, above, facts.spans, static_cast<double>(facts.tokens), layout.names);
  }
  drawAxisTitles(canvas, layout);
  const int bar_height = std::min(layout.grid.bottom() - layout.grid.top, inches(3));
  drawColourBar(canvas, bar, QPoint(layout.grid.right() + static_cast<int>(points(8)), layout.grid.top), bar_height);
  drawChrome(canvas, layout.chrome);
  return figure;
}

}  // namespace

// Layers × positions: the fraction of heads that keep a position, one panel per run at one budget.
FigureBuilder evictionFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
