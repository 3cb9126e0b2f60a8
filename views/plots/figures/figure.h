// The figures of KVAtlas: from traces or results and a specification to a canvas, its sidecar and the files; no
// dialogs.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/results/reader.h"
#include "core/trace/reader.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/figures/results_facts.h"
#include "views/models/figures/run_choice.h"
#include "views/models/figures/trace_facts.h"
#include "views/models/figures/traces.h"
#include "views/models/figures/training_log.h"
#include "views/plots/canvas.h"
#include "views/plots/figures/colour_bar.h"

namespace kvatlas::views {

struct Figure {
  std::unique_ptr<Canvas> canvas;
  nlohmann::json sidecar;
  std::vector<std::string> warnings;  // what is missing from the picture, one sentence each
  std::string title, created;
};

// Small multiples of the head-averaged map of several layers with one colour bar.
[[nodiscard]] Figure patternFigure(const trace::Reader& reader, const FigureSpec& spec);
// One map with received mass and the kept strips of the runs along its keys, entropy along its queries.
[[nodiscard]] Figure heatmapFigure(const trace::Reader& reader, const FigureSpec& spec);
// Kept tokens per layer: the pyramid. One panel per budget.
[[nodiscard]] Figure budgetFigure(const Traces& traces, const FigureSpec& spec);
// Layers × positions: the fraction of heads that keep a position, one panel per run at one budget.
[[nodiscard]] Figure evictionFigure(const Traces& traces, const FigureSpec& spec);
// Retained mass per layer with the band over heads and the best set of equal size.
[[nodiscard]] Figure retainedFigure(const Traces& traces, const FigureSpec& spec);

// Scores by context length and depth, one panel per method and budget on one scale.
[[nodiscard]] Figure needleFigure(const results::ResultsReader& reader, const FigureSpec& spec);
// Score against kept tokens, one line per method, with intervals.
[[nodiscard]] Figure accuracyFigure(const results::ResultsReader& reader, const FigureSpec& spec);
// Losses and retrieval accuracy over the tokens seen, two stacked panels.
[[nodiscard]] Figure trainingFigure(const TrainingLog& log, const FigureSpec& spec);

// The one that spec.kind names. Errors of all: UsageError for what the file cannot have or a kind drawn from something
// else, Error for what it lacks.
[[nodiscard]] Figure buildFigure(const trace::Reader& reader, const FigureSpec& spec);
[[nodiscard]] Figure buildFigure(const Traces& traces, const FigureSpec& spec);  // of the same tokens
[[nodiscard]] Figure buildFigure(const results::ResultsReader& reader, const FigureSpec& spec);

// Writes path and path + ".json", each under a temporary name first. Error names the file that cannot be written.
void writeFigure(Figure& figure, const std::filesystem::path& path, double dpi);

// Shared by the builders: an empty figure with the sidecar every kind has, and the footnote "model · N tokens".
[[nodiscard]] Figure startFigure(const FigureSpec& spec, const TraceFacts& facts);
[[nodiscard]] Figure startFigure(const FigureSpec& spec, const Traces& traces, const std::vector<RunChoice>& choices);
[[nodiscard]] Figure startFigure(const FigureSpec& spec, const results::ResultsReader& reader);
[[nodiscard]] std::vector<std::string> commonNotes(const TraceFacts& facts);
[[nodiscard]] std::vector<std::string> commonNotes(const ResultsFacts& facts);
// "mean over 8 query heads", "layer 3, query head 5"
[[nodiscard]] std::string headPhrase(std::optional<HeadIndex> head, std::uint32_t query_heads);
[[nodiscard]] std::string cellPhrase(std::uint64_t cell, trace::Reduction reduction);
// What the bar cannot show: "colours saturate at 0.01", "black: exactly 0"; may be empty.
[[nodiscard]] std::string scaleNote(const FigureSpec& spec);
[[nodiscard]] ColourBar mapColourBar(const FigureSpec& spec);

}  // namespace kvatlas::views
