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

constexpr double kRowPoints = 8, kGapPoints = 2.5;

// A run's row.
struct Row {
  std::string method, title;
  ValueGrid shares;  // [1, N]
};

struct Values {
  FigureHead head;
  TraceFacts facts;
  std::string budget;
  std::vector<Row> rows;
};

struct Layout {
  PanelGrid grid;
  Chrome chrome;
  ColourBar bar;
  std::vector<Tick> positions;
  std::vector<SpanName> names;
  int height = 0;
};

Values gather(const Traces& traces, const FigureSpec& spec) {
  if (spec.budgets.size() > 1) failUsage("--budget: a figure of methods shows one budget, got {}", spec.budgets.size());
  Values values;
  values.facts = traceFacts(*traces.front());
  const std::vector<std::string> budget = oneBudget(traces, spec.runs, spec.budgets);
  const std::vector<RunChoice> choices = chooseRuns(traces, spec.runs, budget);
  values.head = startFigure(spec, traces, choices);
  values.budget = budget.front();
  const std::vector<std::string> names = traceNames(traces);
  for (std::size_t i = 0; i < traces.size(); ++i) {
    values.head.warnings.insert(values.head.warnings.end(), choices[i].warnings.begin(), choices[i].warnings.end());
    for (const ChosenRun& run : choices[i].runs)
      values.rows.push_back({run.header.method, names[i].empty() ? run.title : run.title + " · " + names[i],
                             keptShares(traces[i]->header().model, traces[i]->tokens(), run)});
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : values.rows)
    rows.push_back({{"method", row.method}, {"title", row.title}, {"kept_share", row.shares.values}});
  values.head.sidecar["rows"] = std::move(rows);
  values.head.sidecar["scale"] = {{"kind", "linear"}, {"low", 0}, {"high", 1}, {"reduction", "mean"}};
  return values;
}

Layout planLayout(const FigureSpec& spec, const Values& values) {
  Layout layout;
  const int width = inches(spec.width_inches);
  const double tokens = static_cast<double>(values.facts.tokens);
  std::vector<std::string> notes = commonNotes(values.facts);
  notes.push_back(fmt::format("budget {}", values.budget));
  layout.chrome = planChrome(spec.title, notes, width);
  layout.bar = {{rampTo(themeColours(spec.theme).evicted, themeColours(spec.theme).ink)},
                {ScaleKind::Linear, 0, 1},
                false,
                false,
                "share of heads that keep the token"};
  layout.positions = linearTicks(0, tokens, spec.width_inches > 4.5 ? 9 : 5, true);
  PanelGrid& grid = layout.grid;
  grid.count = values.rows.size();
  grid.panel_height = static_cast<int>(points(kRowPoints));
  grid.gap_y = static_cast<int>(points(kGapPoints));
  int widest = 0;
  for (const Row& row : values.rows) widest = std::max(widest, Canvas::textWidth(row.title, kTickPoints));
  grid.left = kOuterMargin + widest + static_cast<int>(points(4));
  const int right = static_cast<int>(points(8)) + colourBarWidth(layout.bar) + kOuterMargin;
  const int wide = width - grid.left - right;
  requireReadable(wide);
  grid.panel_width =
      values.facts.tokens < static_cast<std::uint64_t>(wide) ? snapSide(wide, values.facts.tokens) : wide;
  if (spec.spans) layout.names = planSpanNames(values.facts.spans, tokens, grid.panel_width, 3);
  const bool marks = spec.spans && !values.facts.spans.empty();
  grid.top = layout.chrome.top() + (marks ? spanNamesHeight(layout.names) : 0) + static_cast<int>(points(2));
  layout.height = grid.bottom() + static_cast<int>(points(5)) + Canvas::textHeight(kTickPoints) +
                  Canvas::textHeight(kLabelPoints) + layout.chrome.bottom();
  return layout;
}

void drawRow(Canvas& canvas, const Layout& layout, std::size_t index, const Row& row, double tokens) {
  const QRect area = layout.grid.area(index);
  QCPAxisRect* panel = canvas.addPanel(area, false);
  panel->axis(QCPAxis::atBottom)->setRange(0, tokens);
  panel->axis(QCPAxis::atLeft)->setRange(0, 1);
  if (layout.grid.lowest(index)) {  // the only axis of the figure
    panel->axis(QCPAxis::atBottom)->setVisible(true);
    canvas.setTicks(panel->axis(QCPAxis::atBottom), layout.positions);
  }
  auto* tiles = new RasterItem(&canvas.plot(), panel);
  tiles->setData(row.shares, makeColouring(layout.bar.tables.front(), layout.bar.scale, canvas.theme()), Pooling::Mean);
  tiles->setExtent(0, 0, tokens, 1);
  canvas.addText(QPointF(area.left() - points(4), area.center().y() + 1), row.title,
                 {kTickPoints, Qt::AlignRight | Qt::AlignVCenter}, methodColour(row.method, canvas.theme()));
}

Figure draw(const Values& values, const FigureSpec& spec) {
  ensureApplication();
  const Layout layout = planLayout(spec, values);
  const PanelGrid& grid = layout.grid;
  Figure figure{values.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  Canvas& canvas = *figure.canvas;
  const auto tokens = static_cast<double>(values.facts.tokens);
  for (std::size_t i = 0; i < values.rows.size(); ++i) drawRow(canvas, layout, i, values.rows[i], tokens);
  if (spec.spans) drawKeySpans(canvas, grid.area(0), values.facts.spans, tokens, layout.names);
  canvas.addText(QPointF((grid.left + grid.right()) / 2.0, grid.bottom() + points(5) + Canvas::textHeight(kTickPoints) +
                                                               Canvas::textHeight(kLabelPoints) / 2.0),
                 "token position in the prompt", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
  drawColourBar(canvas, layout.bar, QPoint(grid.right() + static_cast<int>(points(8)), grid.top),
                std::min(grid.bottom() - grid.top, inches(2)));
  drawChrome(canvas, layout.chrome);
  return figure;
}

}  // namespace

// A row a run at one budget: the fraction of all heads of all layers that keep each position.
FigureBuilder methodsFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
