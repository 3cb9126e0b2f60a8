// The JSON beside every figure: what made it, and the numbers behind its lines; knows no Qt Gui.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "views/models/figures/accuracy_chart.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/figures/layer_chart.h"
#include "views/models/figures/map_data.h"
#include "views/models/figures/needle_chart.h"
#include "views/models/figures/results_facts.h"
#include "views/models/figures/run_choice.h"
#include "views/models/figures/trace_facts.h"
#include "views/models/figures/training_log.h"

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
[[nodiscard]] nlohmann::json describeChart(const LayerChart& chart);
[[nodiscard]] nlohmann::json describeNeedle(const NeedleChart& chart);      // scores by depth, then length
[[nodiscard]] nlohmann::json describeAccuracy(const AccuracyChart& chart);  // points with their intervals
[[nodiscard]] nlohmann::json describeTraining(const TrainingLog& log);      // file, stages, curves

}  // namespace kvatlas::views
