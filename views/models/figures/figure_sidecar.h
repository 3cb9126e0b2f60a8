// The parts of the JSON beside a figure that several kinds share; knows no Qt Gui.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "views/models/figures/branch_name.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/figures/map_data.h"
#include "views/models/figures/results_facts.h"
#include "views/models/figures/run_choice.h"
#include "views/models/figures/trace_facts.h"

namespace kvatlas::views {

// kind, size, theme, title; with them what the trace or the run of the results is.
[[nodiscard]] nlohmann::json sidecarBase(const FigureSpec& spec);
[[nodiscard]] nlohmann::json sidecarOf(const FigureSpec& spec, const TraceFacts& facts);
[[nodiscard]] nlohmann::json describeTrace(const TraceFacts& facts);
[[nodiscard]] nlohmann::json sidecarOf(const FigureSpec& spec, const ResultsFacts& facts,
                                       const results::Settings& settings);

[[nodiscard]] nlohmann::json describeScale(const FigureSpec& spec);  // kind, low, high, colour map, reducer
[[nodiscard]] nlohmann::json describeRun(const ChosenRun& run);      // method, budget, parameters, what was kept
[[nodiscard]] nlohmann::json describeMap(const MapPanel& panel);     // layer, head, cell, captured or not

[[nodiscard]] nlohmann::json describeBranch(const BranchName& branch);
[[nodiscard]] nlohmann::json numbersOf(const std::vector<double>& values);  // NaN has no JSON number: null

}  // namespace kvatlas::views
