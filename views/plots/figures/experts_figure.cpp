#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "views/models/contrast.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/plots/chrome.h"
#include "views/plots/figures/colour_bar.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/offscreen.h"
#include "views/plots/raster_item.h"

namespace kvatlas::views {
namespace {

constexpr double kAxisSpace = 5;  // points between tick labels and the axis title

struct Values {
  FigureHead head;
  TraceFacts facts;
  std::uint32_t experts = 0, per_token = 0;
  ValueGrid shares;  // [layers, experts] share of the prompt's tokens, percent
};

struct Layout {
  QRect panel;
  Chrome chrome;
  std::vector<Tick> layers, experts;
  int bar_left = 0, height = 0;
};

// One label in the middle of each cell.
std::vector<Tick> cellTicks(std::uint32_t count) {
  std::vector<Tick> ticks;
  for (std::uint32_t i = 0; i < count; ++i) ticks.push_back({i + 0.5, std::to_string(i)});
  return ticks;
}

nlohmann::json describe(const Values& values, const ExpertUse& use) {
  nlohmann::json layers = nlohmann::json::array();
  for (std::size_t layer = 0; layer < values.shares.rows; ++layer) {
    std::vector<double> shares, weights;
    for (std::size_t expert = 0; expert < values.experts; ++expert) {
      shares.push_back(static_cast<double>(values.shares.at(layer, expert)) / 100);
      weights.push_back(static_cast<double>(use.weight[layer * values.experts + expert]));
    }
    layers.push_back({{"share", numbersOf(shares)}, {"weight", numbersOf(weights)}});
  }
  return {{"experts", values.experts}, {"per_token", values.per_token}, {"layers", std::move(layers)}};
}

Values gather(const trace::Reader& reader, const FigureSpec& spec) {
  const trace::ModelInfo& model = reader.header().model;
  if (model.experts == 0)
    fail("{}: {} has no experts; this figure is for models with a mixture of experts, such as Mixtral",
         reader.path().string(), model.name);
  const auto use = reader.experts();
  if (!use) fail("{}: the capture stopped before it recorded the experts", reader.path().string());
  Values values;
  values.facts = traceFacts(reader);
  values.head = startFigure(spec, values.facts);
  values.experts = model.experts;
  values.per_token = model.experts_per_token;
  values.shares = ValueGrid::filled(model.layers, model.experts, 0);
  for (std::size_t i = 0; i < use->tokens.size(); ++i)
    values.shares.values[i] =
        static_cast<float>(100.0 * use->tokens[i] / static_cast<double>(std::max<std::uint64_t>(reader.tokens(), 1)));
  values.head.sidecar["experts"] = describe(values, *use);
  return values;
}

ColourBar barOf(const Values& values, const FigureSpec& spec) {
  const float most = *std::ranges::max_element(values.shares.values);
  return {{colourTable(spec.colour_map)},
          {ScaleKind::Linear, 0, std::max(5.0, std::ceil(static_cast<double>(most) / 5) * 5)},
          false,
          false,
          "tokens (%)"};
}

Layout planLayout(const FigureSpec& spec, const Values& values, const ColourBar& bar,
                  const std::vector<std::string>& notes) {
  Layout layout;
  const int width = inches(spec.width_inches);
  layout.chrome = planChrome(spec.title, notes, width);
  layout.layers = cellTicks(values.facts.layers);
  layout.experts = cellTicks(values.experts);
  const int axis = Canvas::textHeight(kLabelPoints) + static_cast<int>(points(kAxisSpace));
  const int left = kOuterMargin + axis + Canvas::widestTick(layout.layers);
  const int room = width - left - static_cast<int>(points(8)) - colourBarWidth(bar) - kOuterMargin;
  requireReadable(room);
  const int cell = std::max(1, room / static_cast<int>(values.experts));
  // Cells as tall as a number, lower in deep models.
  const int layers = static_cast<int>(values.facts.layers);
  const int row = std::clamp(inches(3.6) / layers, 1, std::min(std::max(cell, inches(0.12)), inches(0.22)));
  const int panel_width = static_cast<int>(values.experts) <= room ? cell * static_cast<int>(values.experts) : room;
  layout.panel = QRect(left, layout.chrome.top() + static_cast<int>(points(2)), panel_width, row * layers);
  layout.bar_left = layout.panel.right() + static_cast<int>(points(8));
  const int body = std::max(layout.panel.height() + axis + Canvas::textHeight(kTickPoints), inches(0.9));
  layout.height = layout.panel.top() + body + layout.chrome.bottom();
  return layout;
}

// Whole percents in the cells, where they fit.
void drawNumbers(Canvas& canvas, const Layout& layout, const Values& values, const ColourBar& bar) {
  const double width = layout.panel.width() / static_cast<double>(values.experts),
               height = layout.panel.height() / static_cast<double>(values.facts.layers);
  if (width < Canvas::textWidth("100", kTickPoints) + points(2) || height < Canvas::textHeight(kTickPoints)) return;
  for (std::size_t layer = 0; layer < values.shares.rows; ++layer)
    for (std::size_t expert = 0; expert < values.experts; ++expert) {
      const auto share = static_cast<double>(values.shares.at(layer, expert));
      canvas.addText(QPointF(layout.panel.left() + (static_cast<double>(expert) + 0.5) * width,
                             layout.panel.top() + (static_cast<double>(layer) + 0.5) * height),
                     fmt::format("{:.0f}", share), {kTickPoints, Qt::AlignCenter},
                     inkOn(bar.tables[0].at(bar.scale.position(share))));
    }
}

void drawPanel(Canvas& canvas, const Layout& layout, const Values& values, const ColourBar& bar) {
  QCPAxisRect* panel = canvas.addPanel(layout.panel);
  QCPAxis* x = panel->axis(QCPAxis::atBottom);
  QCPAxis* y = panel->axis(QCPAxis::atLeft);
  x->setRange(0, values.experts);
  y->setRange(0, values.facts.layers);
  y->setRangeReversed(true);
  canvas.setTicks(x, Canvas::withoutTouching(layout.experts, *x, layout.panel.width()));
  canvas.setTicks(y, Canvas::withoutTouching(layout.layers, *y, layout.panel.height()));
  auto* cells = new RasterItem(&canvas.plot(), panel);
  cells->setData(values.shares, makeColouring(bar.tables[0], bar.scale, canvas.theme()), Pooling::Mean);
  cells->setExtent(0, 0, values.experts, values.facts.layers);
  const double half = Canvas::textHeight(kLabelPoints) / 2.0;
  canvas.addText(QPointF(kOuterMargin + half, layout.panel.center().y()), "layer", {kLabelPoints, Qt::AlignCenter, -90},
                 canvas.colours().ink);
  canvas.addText(QPointF(layout.panel.center().x(),
                         layout.panel.bottom() + points(kAxisSpace) + Canvas::textHeight(kTickPoints) + half),
                 "expert", {kLabelPoints, Qt::AlignCenter}, canvas.colours().ink);
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const ColourBar bar = barOf(values, spec);
  std::vector<std::string> notes = commonNotes(values.facts);
  notes.push_back(fmt::format("{} of {} experts per token; an even share is {:.3g} %", values.per_token, values.experts,
                              100.0 * values.per_token / values.experts));
  ensureApplication();
  const Layout layout = planLayout(spec, values, bar, notes);
  Figure figure{values.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  figure.sidecar["scale"] = {
      {"kind", "linear"}, {"low", 0}, {"high", bar.scale.high / 100}, {"colour_map", spec.colour_map}};
  drawPanel(*figure.canvas, layout, values, bar);
  drawNumbers(*figure.canvas, layout, values, bar);
  drawColourBar(*figure.canvas, bar, QPoint(layout.bar_left, layout.panel.top()),
                std::clamp(layout.panel.height(), inches(0.8), inches(2.4)));
  drawChrome(*figure.canvas, layout.chrome);
  return figure;
}

}  // namespace

// The share of the prompt's tokens that each expert of each layer processes.
FigureBuilder expertsFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
