// The JSON beside every figure: what made it, and the numbers behind its lines; knows no Qt Gui.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "views/models/figure_spec.h"
#include "views/models/layer_chart.h"
#include "views/models/map_data.h"
#include "views/models/run_choice.h"
#include "views/models/trace_facts.h"

namespace kvatlas::views {

// kind, size, theme, title and what the trace is.
[[nodiscard]] nlohmann::json sidecarOf(const FigureSpec& spec, const TraceFacts& facts);

[[nodiscard]] nlohmann::json describeScale(const FigureSpec& spec);  // kind, low, high, colour map, reducer
[[nodiscard]] nlohmann::json describeRun(const ChosenRun& run);      // method, budget, parameters, what was kept
[[nodiscard]] nlohmann::json describeMap(const MapPanel& panel);     // layer, head, cell, captured or not
[[nodiscard]] nlohmann::json describeChart(const LayerChart& chart);

}  // namespace kvatlas::views
