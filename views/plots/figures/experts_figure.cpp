#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/plots/figures/cell_grid.h"
#include "views/plots/figures/figure_builder.h"

namespace kvatlas::views {
namespace {

struct Values {
  FigureHead head;
  TraceFacts facts;
  std::uint32_t experts = 0, per_token = 0;
  ValueGrid shares;  // [layers, experts] share of the prompt's tokens, percent
};

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

Figure draw(const Values& values, const FigureSpec& spec) {
  const ColourBar bar = barOf(values, spec);
  std::vector<std::string> notes = commonNotes(values.facts);
  notes.push_back(fmt::format("{} of {} experts per token; an even share is {:.3g} %", values.per_token, values.experts,
                              100.0 * values.per_token / values.experts));
  const CellGrid grid{.values = values.shares,
                      .column_title = "expert",
                      .bar = bar,
                      .notes = notes,
                      .number = [](double share) { return fmt::format("{:.0f}", share); },  // whole percents
                      .widest = "100"};
  Figure figure = drawCellGrid(values.head, grid, spec);
  figure.sidecar["scale"] = {
      {"kind", "linear"}, {"low", 0}, {"high", bar.scale.high / 100}, {"colour_map", spec.colour_map}};
  return figure;
}

}  // namespace

// The share of the prompt's tokens that each expert of each layer processes.
FigureBuilder expertsFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
