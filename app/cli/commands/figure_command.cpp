#include "app/cli/commands/figure_command.h"

#include <memory>

#include "app/cli/module_loader.h"
#include "app/figures/figure_options.h"
#include "core/base/error.h"

namespace kvatlas::app {
namespace {

void runFigureCommand(const FigureOptions& options) {
  const auto draw = reinterpret_cast<FigureEntry>(moduleSymbol(kFiguresLibrary, kFigureSymbol));
  std::string message;
  const int code = draw(&options, &message);
  if (code == 2) throw UsageError(message);
  if (code != 0) throw Error(message);
}

void addLookOptions(CLI::App& command, FigureOptions& options) {
  command.add_option("--width", options.width, "single (3.3 in), double (6.9 in) or inches");
  command.add_option("--dpi", options.dpi, "pixels per inch of a PNG (300)");
  command.add_option("--theme", options.theme, "light or dark");
  command.add_option("--title", options.title, "a line above the figure");
  command.add_option("--columns", options.columns, "panels per row");
  command.add_flag("--no-spans", options.no_spans, "do not mark the named token ranges");
  command.add_flag("-q,--quiet", options.quiet, "no warnings");
}

void addMapOptions(CLI::App& command, FigureOptions& options) {
  command.add_option("--layers", options.layers, "pattern: layers to draw, 0,6,12 (six spread over the model)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--layer", options.layer, "heatmap: the layer (the middle one)");
  command.add_option("--head", options.head, "heatmap: a query head, or mean");
  command.add_option("--reduction", options.reduction,
                     "mean or max over the pairs of a cell (pattern: mean, heatmap: max)");
  command.add_option("--scale", options.scale, "linear or log (pattern: linear, heatmap: log)");
  command.add_option("--clip", options.clip,
                     "probability at which the colours saturate (pattern: 0.01, less on long prompts; heatmap: 1)");
  command.add_option("--floor", options.floor, "lower end of a log scale (1e-5)");
  command.add_option("--colour-map", options.colour_map, "viridis, magma, cividis or grey (needle: red to green)");
  command.add_flag("--entropy", options.entropy, "heatmap: a track of the entropy of each query");
}

}  // namespace

void addFigureCommand(CLI::App& root) {
  auto options = std::make_shared<FigureOptions>();
  CLI::App& command = *root.add_subcommand("figure", "draw a figure of a trace or of results as PDF, SVG or PNG");
  command
      .add_option(
          "kind", options->kind,
          "of a trace: pattern, heatmap, budget, eviction, retained; of results: needle, accuracy; of a log: training")
      ->required();
  command
      .add_option("file", options->files,
                  "trace file (several of one prompt for budget, eviction and retained), folder of results, "
                  "or CSV log of a training")
      ->required();
  command.add_option("-o,--output", options->output, "*.pdf, *.svg or *.png; what made it goes into <output>.json")
      ->required();
  command.add_option("--runs", options->runs, "runs to draw: snapkv, snapkv@128, a label or a number (all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--budget", options->budgets, "budgets to draw: 128,20%")->delimiter(',')->allow_extra_args(false);
  command.add_option("--lowest", options->lowest, "retained: lower end of the mass axis (0)");
  command.add_option("--score", options->score, "needle, accuracy: a recorded score, word_overlap (the run's own)");
  command.add_option("--by", options->by, "accuracy: one panel per kind or length");
  addMapOptions(command, *options);
  addLookOptions(command, *options);
  command.callback([options] { runFigureCommand(*options); });
}

}  // namespace kvatlas::app
