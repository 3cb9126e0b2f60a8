// libkvatlas_figures.so: the views behind one C function, so that `kvatlas` itself does not link Qt.
#include <fmt/format.h>

#include <filesystem>

#include "app/figures/figure_options.h"
#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/outcome.h"
#include "core/base/output_file.h"
#include "core/figures/figure_help.h"
#include "core/trace/vetting.h"
#include "kvatlas_border_figures.h"
#include "views/plots/figures/figure.h"
#include "views/plots/figures/figure_export.h"

namespace kvatlas::app {
namespace {

using figures::FigureKind;
using figures::FigureSource;
using figures::SpecField;

bool isSet(const FigureOptions& options, SpecField field) {
  switch (field) {
    case SpecField::Reduction:
      return !options.reduction.empty();
    case SpecField::Scale:
      return !options.scale.empty();
    case SpecField::ColourMap:
      return !options.colour_map.empty();
    case SpecField::Clip:
      return options.clip.has_value();
    case SpecField::Floor:
      return options.floor.has_value();
    case SpecField::Layers:
      return !options.layers.empty();
    case SpecField::Layer:
      return options.layer.has_value();
    case SpecField::Head:
      return !options.head.empty();
    case SpecField::Entropy:
      return options.entropy;
    case SpecField::Runs:
      return !options.runs.empty();
    case SpecField::Budget:
      return !options.budgets.empty();
    case SpecField::Score:
      return !options.score.empty();
    case SpecField::By:
      return !options.by.empty();
    case SpecField::Spans:
      return options.no_spans;
    case SpecField::Lowest:
      return options.lowest.has_value();
  }
  fail("figure option {} is unknown", static_cast<int>(field));
}

// Refuses settings of other kinds instead of ignoring them: the figure must match the request.
void checkApplies(const FigureOptions& options, const FigureKind& kind) {
  for (const SpecField field : figures::specFields())
    if (isSet(options, field) && !kind.reads(field)) figures::refuse(field, kind);
}

views::FigureSpec specOf(const FigureOptions& options) {
  checkApplies(options, figures::findFigureKind(options.kind));
  views::FigureSpec spec = views::defaultSpec(options.kind);
  if (!options.width.empty()) spec.width_inches = views::parseWidth(options.width);
  if (!options.theme.empty()) spec.theme = views::parseTheme(options.theme);
  if (!options.reduction.empty()) spec.reduction = views::parseReduction(options.reduction);
  if (!options.scale.empty()) spec.scale = views::parseScale(options.scale);
  // The published linear figure saturates at 0.01; a log scale needs no clipping.
  if (!options.scale.empty() && spec.scale == views::ScaleKind::Log) spec.clip = 1;
  if (!options.colour_map.empty()) spec.colour_map = options.colour_map;
  if (!options.by.empty()) spec.by = views::parseBy(options.by);
  if (!options.head.empty()) spec.head = views::parseHead(options.head);
  spec.dpi = options.dpi.value_or(spec.dpi);
  spec.clip = options.clip.value_or(spec.clip);
  spec.fit_clip = spec.fit_clip && !options.clip;
  spec.floor = options.floor.value_or(spec.floor);
  spec.lowest_retained = options.lowest.value_or(spec.lowest_retained);
  spec.title = options.title;
  spec.score = options.score;
  spec.layers = options.layers;
  spec.layer = options.layer;
  spec.runs = options.runs;
  spec.budgets = options.budgets;
  spec.columns = options.columns;
  spec.entropy = options.entropy;
  spec.spans = !options.no_spans;
  views::checkSpec(spec);
  return spec;
}

// Error for a folder instead of a file, or a file instead of a folder.
void requireSource(const FigureOptions& options, FigureSource source, const std::string& path) {
  std::error_code code;
  const bool folder = std::filesystem::is_directory(path, code);
  if (source == FigureSource::Results && !folder && std::filesystem::exists(path, code))
    fail("{}: is a file; a {} figure is drawn from a {}", path, options.kind, figures::sourceName(source));
  if (source != FigureSource::Results && folder)
    fail("{}: is a folder; a {} figure is drawn from a {}", path, options.kind, figures::sourceName(source));
}

views::Figure traceFigure(const FigureOptions& options, const views::FigureSpec& spec) {
  std::vector<trace::Reader> readers;
  readers.reserve(options.files.size());
  views::Traces traces;
  for (const std::string& file : options.files) traces.push_back(&readers.emplace_back(file));
  return views::buildFigure(traces, spec);
}

views::Figure buildFigure(const FigureOptions& options, const views::FigureSpec& spec) {
  const FigureSource source = views::kindOf(spec).source;
  if (options.files.empty() || (source != FigureSource::Trace && options.files.size() != 1))
    failUsage("figure {}: expected one {}, {} were given", options.kind, figures::sourceName(source),
              options.files.size());
  for (const std::string& file : options.files) requireSource(options, source, file);
  switch (source) {
    case FigureSource::Trace:
      return traceFigure(options, spec);
    case FigureSource::Results:
      return views::buildFigure(results::ResultsReader(options.files.front()), spec);
    case FigureSource::TrainingLog:
      return views::buildFigure(views::readTrainingCurves(options.files.front()), spec);
    case FigureSource::HeadTable:
      return views::buildFigure(policy::readHeadTable(options.files.front()), spec);
  }
  fail("figure source {} is unknown", static_cast<int>(source));
}

void drawFigure(const FigureOptions& options) {
  const views::FigureSpec spec = specOf(options);
  (void)views::formatOf(options.output);  // before any work
  views::Figure figure = buildFigure(options, spec);
  views::writeFigure(figure, options.output, spec.dpi);
  if (options.quiet) return;
  for (const std::string& warning : figure.warnings) say(fmt::format("kvatlas: warning: {}\n", printable(warning)));
}

}  // namespace
}  // namespace kvatlas::app

extern "C" __attribute__((visibility("default"))) const char* kvatlasIdentity() {
  return KVATLAS_BORDER_FIGURES;
}

extern "C" __attribute__((visibility("default"))) const char* kvatlasAbandonOutputs() {
  return kvatlas::abandonOutputs();
}

extern "C" __attribute__((visibility("default"))) int kvatlasFigureMain(const kvatlas::app::FigureOptions* options,
                                                                        std::string* error_message) {
  kvatlas::trace::vetAsTheHost();
  const kvatlas::Outcome outcome = kvatlas::guarded([&] { kvatlas::app::drawFigure(*options); });
  *error_message = outcome.message;
  return outcome.exit_code;
}
