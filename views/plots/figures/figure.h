// The figures of KVAtlas: from traces, results or a training's log and a specification to a canvas, its sidecar and
// the files; no dialogs.
#pragma once

#include <filesystem>
#include <memory>
#include <variant>

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

// What a figure is drawn from, opened; readers and curves outlive the gathering.
using FigureInput = std::variant<Traces, const results::ResultsReader*, const TrainingCurves*>;

// What the picture is made of: no file is behind it any more.
struct GatheredFigure {
  FigureSpec spec;
  std::shared_ptr<const void> values;  // of the kind's own type
};

// Reads; without Qt Gui, on any thread that may read the input. Errors: UsageError for what the file cannot have or a
// kind drawn from something else, Error for what it lacks.
[[nodiscard]] GatheredFigure gatherFigure(const FigureInput& input, const FigureSpec& spec);
// Draws; on the window's thread. UsageError for an unknown colour map or panels too small to read.
[[nodiscard]] Figure drawFigure(const GatheredFigure& gathered);

// Both at once.
[[nodiscard]] Figure buildFigure(const trace::Reader& reader, const FigureSpec& spec);
[[nodiscard]] Figure buildFigure(const Traces& traces, const FigureSpec& spec);  // of the same tokens
[[nodiscard]] Figure buildFigure(const results::ResultsReader& reader, const FigureSpec& spec);
[[nodiscard]] Figure buildFigure(const TrainingCurves& curves, const FigureSpec& spec);

// Writes path and path + ".json", each under a temporary name first. Error names the file that cannot be written.
void writeFigure(Figure& figure, const std::filesystem::path& path, double dpi);

}  // namespace kvatlas::views
