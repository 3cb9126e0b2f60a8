// What every figure carries besides its picture: sidecar, warnings, title and the notes under it; knows no Qt Gui.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/results/reader.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/figures/results_facts.h"
#include "views/models/figures/run_choice.h"
#include "views/models/figures/trace_facts.h"
#include "views/models/figures/traces.h"

namespace kvatlas::views {

struct FigureHead {
  nlohmann::json sidecar;
  std::vector<std::string> warnings;  // what is missing from the picture, one sentence each
  std::string title, created;
};

// The sidecar that every kind has, of a trace, of the chosen runs of several, or of results.
[[nodiscard]] FigureHead startFigure(const FigureSpec& spec, const TraceFacts& facts);
[[nodiscard]] FigureHead startFigure(const FigureSpec& spec, const Traces& traces,
                                     const std::vector<RunChoice>& choices);
[[nodiscard]] FigureHead startFigure(const FigureSpec& spec, const results::ResultsReader& reader);

// The footnote "model · N tokens" and that of results.
[[nodiscard]] std::vector<std::string> commonNotes(const TraceFacts& facts);
[[nodiscard]] std::vector<std::string> commonNotes(const ResultsFacts& facts);

}  // namespace kvatlas::views
