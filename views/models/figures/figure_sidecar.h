// Parts of a figure's JSON sidecar that several kinds share; no Qt Gui.
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

// kind, size, theme, title; sidecarOf() adds the trace or the results.
[[nodiscard]] nlohmann::json sidecarBase(const FigureSpec& spec);
[[nodiscard]] nlohmann::json sidecarOf(const FigureSpec& spec, const TraceFacts& facts);
[[nodiscard]] nlohmann::json describeTrace(const TraceFacts& facts);
[[nodiscard]] nlohmann::json sidecarOf(const FigureSpec& spec, const ResultsFacts& facts,
                                       const results::Settings& settings);

[[nodiscard]] nlohmann::json describeScale(const FigureSpec& spec);  // kind, low, high, colour map, reducer
[[nodiscard]] nlohmann::json describeRun(const ChosenRun& run);      // method, budget, parameters, kept tokens
[[nodiscard]] nlohmann::json describeMap(const MapPanel& panel);     // layer, head, cell, captured or not

[[nodiscard]] nlohmann::json describeBranch(const BranchName& branch);
[[nodiscard]] nlohmann::json numbersOf(const std::vector<double>& values);  // NaN → null

}  // namespace kvatlas::views
