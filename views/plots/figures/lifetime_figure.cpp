// What one run's cache holds at every generated token.
#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "views/models/items/decode_grid.h"
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

constexpr std::size_t kMostColumns = 4096;

struct Values {
  FigureHead head;
  TraceFacts facts;
  std::string method, title;  // of the run
  DecodeGrid grid;
  std::uint64_t question = 0;  // tokens
  std::size_t evicted = 0;     // entries of the lists shown
  std::vector<std::string> notes;
};

struct Layout {
  Chrome chrome;
  QRect panel;
  std::vector<Tick> positions, steps;
  ColourBar bar;
  int height = 0;
};

// Named by --runs; otherwise the first one that evicted anything while it decoded.
const ChosenRun& oneRun(const RunChoice& choice, bool named) {
  if (named && choice.runs.size() > 1)
    failUsage("--runs: a lifetime figure shows one run, these are {}", choice.runs.size());
  const auto evicted =
      std::ranges::find_if(choice.runs, [](const ChosenRun& run) { return !run.record.evicted.empty(); });
  return evicted == choice.runs.end() ? choice.runs.front() : *evicted;
}

std::vector<LayerIndex> layersOf(const FigureSpec& spec, const trace::ModelInfo& model) {
  if (spec.layer && *spec.layer >= model.layers)
    failUsage("--layer {}: the model has {} layers", *spec.layer, model.layers);
  if (spec.head && *spec.head >= model.query_heads)
    failUsage("--head {}: the model has {} query heads", *spec.head, model.query_heads);
  std::vector<LayerIndex> layers;
  for (std::uint32_t layer = 0; layer < model.layers; ++layer)
    if (!spec.layer || layer == *spec.layer) layers.emplace_back(layer);
  return layers;
}

std::string listsText(const FigureSpec& spec) {
  return fmt::format("{}, {}", spec.layer ? fmt::format("layer {}", *spec.layer) : "all layers",
                     spec.head ? fmt::format("query head {}", *spec.head) : "all heads");
}

Values gather(const Traces& traces, const FigureSpec& spec) {
  const trace::Reader& reader = *traces.front();
  const std::vector<RunChoice> choices = chooseRuns(traces, spec.runs, spec.budgets);
  const ChosenRun& run = oneRun(choices.front(), !spec.runs.empty());
  const RunPointer view = loadRun(reader, run.index, run.title);
  if (!view || view->run.record.decode_ids.empty())
    fail("{}: run {} generated no tokens", reader.path().string(), run.header.label);
  const std::vector<LayerIndex> layers = layersOf(spec, view->model);
  const HeadChoice heads =
      spec.head ? HeadChoice{HeadChoice::QueryHead, *spec.head} : HeadChoice{HeadChoice::MeanOverHeads, 0};
  Values values{.head = startFigure(spec, traces, choices),
                .facts = traceFacts(reader),
                .method = run.header.method,
                .title = run.header.label,
                .grid = decodeGrid(*view, layers, heads, kMostColumns),
                .question = view->question};
  values.evicted = view->run.record.evicted.size();
  values.notes = commonNotes(values.facts);
  values.notes.push_back(listsText(spec));
  values.notes.push_back(run.header.every > 0 ? fmt::format("decides again every {} tokens", run.header.every)
                                              : "decides once, at the end of the prompt");
  if (values.grid.bin > 1) values.notes.push_back(fmt::format("max of {} positions per cell", values.grid.bin));
  values.head.warnings.insert(values.head.warnings.end(), choices.front().warnings.begin(),
                              choices.front().warnings.end());
  values.head.sidecar["lifetime"] = {{"run", run.index},
                                     {"label", run.header.label},
                                     {"steps", values.grid.held.rows},
                                     {"positions", values.grid.positions},
                                     {"positions_per_cell", values.grid.bin},
                                     {"first_generated", values.facts.tokens + values.question},
                                     {"evicted", values.evicted}};
  return values;
}

Layout planLayout(const Values& values, const FigureSpec& spec) {
  Layout layout;
  const int width = inches(spec.width_inches), steps = static_cast<int>(values.grid.held.rows);
  layout.chrome = planChrome(spec.title, values.notes, width);
  layout.bar = {{rampTo(themeColours(spec.theme).evicted, methodColour(values.method, spec.theme))},
                {ScaleKind::Linear, 0, 1},
                false,
                false,
                "fraction of heads"};
  // A step is a whole number of units; the panel is 0.8 to 3 inches high.
  const int row = std::clamp(inches(1.8) / steps, 1, static_cast<int>(points(9)));
  const int high = std::clamp(row * steps, inches(0.8), inches(3));
  layout.steps = linearTicks(0, steps - 1 + 1e-6,
                             static_cast<std::size_t>(std::max(2, high / static_cast<int>(points(14)))), true);
  layout.positions = linearTicks(0, static_cast<double>(values.grid.positions), spec.width_inches > 4.5 ? 9 : 5, true);
  const int left =
      kOuterMargin + Canvas::textHeight(kLabelPoints) + static_cast<int>(points(5)) + Canvas::widestTick(layout.steps);
  const int right = static_cast<int>(points(8)) + colourBarWidth(layout.bar) + kOuterMargin;
  requireReadable(width - left - right);
  const int top = layout.chrome.top() + 2 * Canvas::textHeight(kLabelPoints) + static_cast<int>(points(4));
  layout.panel = QRect(left, top, width - left - right, high);
  layout.height = top + high + static_cast<int>(points(5)) + Canvas::textHeight(kTickPoints) +
                  Canvas::textHeight(kLabelPoints) + layout.chrome.bottom();
  return layout;
}

// Names prompt, question and generated text above the panel and parts them by lines.
void drawRegions(Canvas& canvas, const Layout& layout, const Values& values) {
  const auto all = static_cast<double>(values.grid.positions), prompt = static_cast<double>(values.facts.tokens),
             generated = prompt + static_cast<double>(values.question);
  const struct {
    const char* name;
    double begin, end;
  } regions[] = {{values.question > 0 ? "context" : "prompt", 0, prompt},
                 {"question", prompt, generated},
                 {"generated", generated, all}};
  const auto at = [&](double position) { return layout.panel.left() + position / all * layout.panel.width(); };
  double free = 0;  // where the last name ends
  for (const auto& region : regions) {
    if (region.begin == region.end) continue;
    const double half = Canvas::textWidth(region.name, kTickPoints) / 2.0 + points(2);
    const double middle = std::min((at(region.begin) + at(region.end)) / 2, canvas.width() - half - kOuterMargin);
    if (middle - half >= free) {
      canvas.addText(QPointF(middle, layout.panel.top() - points(2)), region.name,
                     {kTickPoints, Qt::AlignHCenter | Qt::AlignBottom}, canvas.colours().muted);
      free = middle + half;
    }
    if (region.begin > 0)
      canvas.addLine(QPointF(at(region.begin), layout.panel.top()), QPointF(at(region.begin), layout.panel.bottom()),
                     QPen(toColour(canvas.colours().ink), points(0.5)));
  }
}

Figure draw(const Values& values, const FigureSpec& spec) {
  ensureApplication();
  const Layout layout = planLayout(values, spec);
  Figure figure{values.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  Canvas& canvas = *figure.canvas;
  const auto steps = static_cast<double>(values.grid.held.rows), positions = static_cast<double>(values.grid.positions);
  QCPAxisRect* panel = canvas.addPanel(layout.panel);
  panel->axis(QCPAxis::atBottom)->setRange(0, positions);
  panel->axis(QCPAxis::atLeft)->setRange(-0.5, steps - 0.5);
  panel->axis(QCPAxis::atLeft)->setRangeReversed(true);  // time runs downwards, as on the decode page
  canvas.setTicks(panel->axis(QCPAxis::atBottom), layout.positions);
  canvas.setTicks(panel->axis(QCPAxis::atLeft), layout.steps);
  auto* tiles = new RasterItem(&canvas.plot(), panel);
  tiles->setData(values.grid.held, makeColouring(layout.bar.tables.front(), ValueScale{}, spec.theme), Pooling::Max);
  tiles->setExtent(0, -0.5, positions, steps - 0.5);
  if (spec.spans) outlineSpansOnStrip(canvas, layout.panel, values.facts.spans, positions);
  drawRegions(canvas, layout, values);
  const double above = layout.panel.top() - points(3) - Canvas::textHeight(kTickPoints);
  canvas.addText(QPointF(layout.panel.left(), above), values.title,
                 {kLabelPoints, Qt::AlignLeft | Qt::AlignBottom, 0, true}, methodColour(values.method, spec.theme));
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  canvas.addText(QPointF(kOuterMargin + half, layout.panel.center().y()), "generated token",
                 {kLabelPoints, Qt::AlignCenter, -90}, canvas.colours().ink);
  canvas.addText(
      QPointF(layout.panel.center().x(), layout.panel.bottom() + points(5) + Canvas::textHeight(kTickPoints) + half),
      "token position", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
  drawColourBar(canvas, layout.bar, QPoint(layout.panel.right() + static_cast<int>(points(8)), layout.panel.top()),
                layout.panel.height());
  drawChrome(canvas, layout.chrome);
  return figure;
}

}  // namespace

// Positions × generated tokens: the fraction of heads of one layer, or of all, that hold a position.
FigureBuilder lifetimeFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
