// libkvatlas_figures.so: the views behind one C function, so that `kvatlas` itself links no Qt.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "app/figures/figure_options.h"
#include "core/base/error.h"
#include "core/base/outcome.h"
#include "kvatlas_border_figures.h"
#include "views/plots/figures/figure.h"
#include "views/plots/figures/figure_export.h"

namespace kvatlas::app {
namespace {

// Settings that belong to other kinds are refused, not ignored: a figure must be what was asked for.
void refuse(bool given, const char* option, const FigureOptions& options, const char* kinds) {
  if (given) failUsage("{} has no meaning for a {} figure, only for {}", option, options.kind, kinds);
}

void checkApplies(const FigureOptions& options, views::FigureKind kind) {
  using views::FigureKind;
  const bool pattern = kind == FigureKind::Pattern, heatmap = kind == FigureKind::Heatmap, map = pattern || heatmap;
  const bool needle = kind == FigureKind::Needle, accuracy = kind == FigureKind::Accuracy;
  const char* const maps = "pattern and heatmap";
  refuse(!map && !options.reduction.empty(), "--reduction", options, maps);
  refuse(!map && !options.scale.empty(), "--scale", options, maps);
  refuse(!map && !needle && !options.colour_map.empty(), "--colour-map", options, "pattern, heatmap and needle");
  refuse(!map && options.clip.has_value(), "--clip", options, maps);
  refuse(!map && options.floor.has_value(), "--floor", options, maps);
  refuse(!pattern && !options.layers.empty(), "--layers", options, "pattern");
  refuse(!heatmap && options.layer.has_value(), "--layer", options, "heatmap");
  refuse(!heatmap && !options.head.empty(), "--head", options, "heatmap");
  refuse(!heatmap && options.entropy, "--entropy", options, "heatmap");
  const bool runs = !pattern && kind != FigureKind::Training;
  refuse(!runs && !options.runs.empty(), "--runs", options, "figures of methods");
  refuse(!runs && !options.budgets.empty(), "--budget", options, "figures of methods");
  refuse(!needle && !accuracy && !options.score.empty(), "--score", options, "needle and accuracy");
  refuse(!accuracy && !options.by.empty(), "--by", options, "accuracy");
  refuse(views::sourceOf(kind) != views::FigureSource::Trace && options.no_spans, "--no-spans", options,
         "figures of a trace");
  refuse(kind != FigureKind::Retained && options.lowest.has_value(), "--lowest", options, "retained");
}

views::FigureSpec specOf(const FigureOptions& options) {
  const views::FigureKind kind = views::parseFigureKind(options.kind);
  checkApplies(options, kind);
  views::FigureSpec spec = views::defaultSpec(kind);
  if (!options.width.empty()) spec.width_inches = views::parseWidth(options.width);
  if (!options.theme.empty()) spec.theme = views::parseTheme(options.theme);
  if (!options.reduction.empty()) spec.reduction = views::parseReduction(options.reduction);
  if (!options.scale.empty()) spec.scale = views::parseScale(options.scale);
  // Saturating at 0.01 is the published linear figure; a log scale shows everything.
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

const char* sourceName(views::FigureSource source) {
  if (source == views::FigureSource::Trace) return "trace file";
  return source == views::FigureSource::Results ? "folder of results" : "CSV log of a training";
}

// A folder where a file belongs and the other way round, said in the words of the figure.
void requireSource(const FigureOptions& options, views::FigureSource source, const std::string& path) {
  std::error_code code;
  const bool folder = std::filesystem::is_directory(path, code);
  if (source == views::FigureSource::Results && !folder && std::filesystem::exists(path, code))
    fail("{}: is a file; a {} figure is drawn from a {}", path, options.kind, sourceName(source));
  if (source != views::FigureSource::Results && folder)
    fail("{}: is a folder; a {} figure is drawn from a {}", path, options.kind, sourceName(source));
}

views::Figure traceFigure(const FigureOptions& options, const views::FigureSpec& spec) {
  std::vector<trace::Reader> readers;
  readers.reserve(options.files.size());
  views::Traces traces;
  for (const std::string& file : options.files) traces.push_back(&readers.emplace_back(file));
  return views::buildFigure(traces, spec);
}

views::Figure buildFigure(const FigureOptions& options, const views::FigureSpec& spec) {
  const views::FigureSource source = views::sourceOf(spec.kind);
  if (options.files.empty() || (source != views::FigureSource::Trace && options.files.size() != 1))
    failUsage("figure {}: expected one {}, {} were given", options.kind, sourceName(source), options.files.size());
  for (const std::string& file : options.files) requireSource(options, source, file);
  if (source == views::FigureSource::Trace) return traceFigure(options, spec);
  if (source == views::FigureSource::TrainingLog)
    return views::trainingFigure(views::readTrainingLog(options.files.front()), spec);
  return views::buildFigure(results::ResultsReader(options.files.front()), spec);
}

void drawFigure(const FigureOptions& options) {
  const views::FigureSpec spec = specOf(options);
  (void)views::formatOf(options.output);  // before any work
  views::Figure figure = buildFigure(options, spec);
  views::writeFigure(figure, options.output, spec.dpi);
  if (options.quiet) return;
  for (const std::string& warning : figure.warnings) fmt::print(stderr, "kvatlas: warning: {}\n", warning);
}

}  // namespace
}  // namespace kvatlas::app

extern "C" __attribute__((visibility("default"))) const char* kvatlasIdentity() {
  return KVATLAS_BORDER_FIGURES;
}

extern "C" __attribute__((visibility("default"))) int kvatlasFigureMain(const kvatlas::app::FigureOptions* options,
                                                                        std::string* error_message) {
  const kvatlas::Outcome outcome = kvatlas::guarded([&] { kvatlas::app::drawFigure(*options); });
  *error_message = outcome.message;
  return outcome.exit_code;
}
