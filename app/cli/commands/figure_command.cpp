#include "app/cli/commands/figure_command.h"

#include <memory>

#include "app/cli/interrupt.h"
#include "app/cli/module_loader.h"
#include "app/figures/figure_options.h"
#include "core/base/error.h"
#include "core/figures/figure_help.h"

namespace kvatlas::app {
namespace {

void runFigureCommand(const FigureOptions& options) {
  const auto draw = reinterpret_cast<FigureEntry>(moduleSymbol(kFiguresLibrary, kFigureSymbol));
  std::string message;
  const int code = draw(&options, &message);
  if (code == 2) throw UsageError(message);
  if (code != 0) throw Error(message);
}

using figures::SpecField;

template <class Value>
CLI::Option* addField(CLI::App& command, SpecField field, Value& value) {
  return command.add_option(figures::optionOf(field), value, figures::helpOf(field));
}

template <class Value>
void addListField(CLI::App& command, SpecField field, Value& values) {
  addField(command, field, values)->delimiter(',')->allow_extra_args(false);
}

void addFlagField(CLI::App& command, SpecField field, bool& value) {
  command.add_flag(figures::optionOf(field), value, figures::helpOf(field));
}

void addRunOptions(CLI::App& command, FigureOptions& options) {
  addListField(command, SpecField::Runs, options.runs);
  addListField(command, SpecField::Budget, options.budgets);
  addField(command, SpecField::Lowest, options.lowest);
  addField(command, SpecField::Score, options.score);
  addField(command, SpecField::By, options.by);
}

void addMapOptions(CLI::App& command, FigureOptions& options) {
  addListField(command, SpecField::Layers, options.layers);
  addField(command, SpecField::Layer, options.layer);
  addField(command, SpecField::Head, options.head);
  addField(command, SpecField::Reduction, options.reduction);
  addField(command, SpecField::Scale, options.scale);
  addField(command, SpecField::Clip, options.clip);
  addField(command, SpecField::Floor, options.floor);
  addField(command, SpecField::ColourMap, options.colour_map);
  addFlagField(command, SpecField::Entropy, options.entropy);
}

void addLookOptions(CLI::App& command, FigureOptions& options) {
  command.add_option("--width", options.width, "single (3.3 in), double (6.9 in) or inches");
  command.add_option("--dpi", options.dpi, "pixels per inch of a PNG (300)");
  command.add_option("--theme", options.theme, "light or dark");
  command.add_option("--title", options.title, "a line above the figure");
  command.add_option("--columns", options.columns, "panels per row");
  addFlagField(command, SpecField::Spans, options.no_spans);
  command.add_flag("-q,--quiet", options.quiet, "no warnings");
}

}  // namespace

void addFigureCommand(CLI::App& root) {
  auto options = std::make_shared<FigureOptions>();
  CLI::App& command = *root.add_subcommand("figure", "draw a figure of a trace or of results as PDF, SVG or PNG");
  command.add_option("kind", options->kind, figures::kindsHelp())->required();
  command.add_option("file", options->files, figures::filesHelp())->required();
  command.add_option("-o,--output", options->output, "*.pdf, *.svg or *.png; its parameters go into <output>.json")
      ->required();
  addRunOptions(command, *options);
  addMapOptions(command, *options);
  addLookOptions(command, *options);
  command.callback([options] {
    const Interrupt interrupt(stoppedBeforeTheEnd, kAtOnce);
    runFigureCommand(*options);
  });
}

}  // namespace kvatlas::app
