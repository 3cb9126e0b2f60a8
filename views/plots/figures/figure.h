// Builds figures: from traces, results, a training log or a table of heads and a specification to a canvas, its sidecar
// and the files.
#pragma once

#include <filesystem>
#include <memory>
#include <variant>

#include "core/policy/head_table.h"
#include "core/results/reader.h"
#include "core/trace/reader.h"
#include "views/models/figures/figure_head.h"
#include "views/models/figures/figure_spec.h"
#include "views/models/figures/traces.h"
#include "views/models/figures/training_curves.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {

struct Figure : FigureHead {
  std::unique_ptr<Canvas> canvas;
};

// The opened input of a figure. Readers and curves must outlive gatherFigure().
using FigureInput =
    std::variant<Traces, const results::ResultsReader*, const TrainingCurves*, const policy::HeadTable*>;

// The values of a figure, independent of any file.
struct GatheredFigure {
  FigureSpec spec;
  std::shared_ptr<const void> values;  // the kind's own type
};

// Reads the values; without Qt Gui, on any thread that may read the input. UsageError for an invalid choice or a kind
// with another source, Error for missing data.
[[nodiscard]] GatheredFigure gatherFigure(const FigureInput& input, const FigureSpec& spec);
// Draws; on the GUI thread. UsageError for an unknown colour map or panels too small to read.
[[nodiscard]] Figure drawFigure(const GatheredFigure& gathered);

// Gathers and draws.
[[nodiscard]] Figure buildFigure(const trace::Reader& reader, const FigureSpec& spec);
[[nodiscard]] Figure buildFigure(const Traces& traces, const FigureSpec& spec);  // of the same tokens
[[nodiscard]] Figure buildFigure(const results::ResultsReader& reader, const FigureSpec& spec);
[[nodiscard]] Figure buildFigure(const TrainingCurves& curves, const FigureSpec& spec);
[[nodiscard]] Figure buildFigure(const policy::HeadTable& table, const FigureSpec& spec);

// Writes path and path + ".json" atomically. Error naming the file if it is not writable.
void writeFigure(Figure& figure, const std::filesystem::path& path, double dpi);

}  // namespace kvatlas::views
