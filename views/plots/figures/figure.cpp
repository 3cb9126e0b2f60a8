#include "views/plots/figures/figure.h"

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/figures/figure_export.h"
#include "views/plots/figures/missing_letters.h"

namespace kvatlas::views {
namespace {

FigureSource sourceOf(const FigureInput& input) {
  if (std::holds_alternative<Traces>(input)) return FigureSource::Trace;
  if (std::holds_alternative<const policy::HeadTable*>(input)) return FigureSource::HeadTable;
  return std::holds_alternative<const TrainingCurves*>(input) ? FigureSource::TrainingLog : FigureSource::Results;
}

void requireSource(const FigureInput& input, const FigureKind& kind) {
  const FigureSource given = sourceOf(input);
  if (given == kind.source) return;
  const char* const name = given == FigureSource::Trace         ? "a trace"
                           : given == FigureSource::Results     ? "results"
                           : given == FigureSource::TrainingLog ? "a training log"
                                                                : "a table of heads";
  failUsage("a {} figure cannot be drawn from {}", kind.name, name);
}

void requirePrompts(const Traces& traces, const FigureKind& kind) {
  for (const trace::Reader* trace : traces)
    if (trace->tokens() == 0 || trace->header().model.layers == 0)
      fail("{}: the trace has no prompt tokens", trace->path().string());
  if (!kind.several && traces.size() != 1) failUsage("a {} figure shows one trace, got {}", kind.name, traces.size());
  requireOneTokenisation(traces);
}

}  // namespace

GatheredFigure gatherFigure(const FigureInput& input, const FigureSpec& spec) {
  checkSpec(spec);
  const FigureKind& kind = kindOf(spec);
  requireSource(input, kind);
  if (const auto* traces = std::get_if<Traces>(&input)) requirePrompts(*traces, kind);
  return {spec, builderOf(spec).gather(input, spec)};
}

Figure drawFigure(const GatheredFigure& gathered) {
  return builderOf(gathered.spec).draw(gathered.values.get(), gathered.spec);
}

Figure buildFigure(const trace::Reader& reader, const FigureSpec& spec) {
  return buildFigure(Traces{&reader}, spec);
}

Figure buildFigure(const Traces& traces, const FigureSpec& spec) {
  return drawFigure(gatherFigure(traces, spec));
}

Figure buildFigure(const results::ResultsReader& reader, const FigureSpec& spec) {
  return drawFigure(gatherFigure(&reader, spec));
}

Figure buildFigure(const TrainingCurves& curves, const FigureSpec& spec) {
  return drawFigure(gatherFigure(&curves, spec));
}

Figure buildFigure(const policy::HeadTable& table, const FigureSpec& spec) {
  return drawFigure(gatherFigure(&table, spec));
}

void writeFigure(Figure& figure, const std::filesystem::path& path, double dpi) {
  const FigureFormat format = formatOf(path);
  if (std::string missing = missingLetters(*figure.canvas); !missing.empty())
    figure.warnings.push_back(std::move(missing));
  const QByteArray bytes = renderFigure(*figure.canvas, format, {dpi, figure.title, figure.created});
  figure.sidecar["figure"] = path.filename().string();
  figure.sidecar["height_inches"] = static_cast<double>(figure.canvas->height()) / kUnitsPerInch;
  figure.sidecar["warnings"] = figure.warnings;
  const std::string sidecar = figure.sidecar.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  // Both are complete on disk before either has its name, and the image comes last: it never stands without its
  // parameters.
  OutputFile image_file(path), sidecar_file(path.string() + ".json");
  image_file.write(std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size())));
  sidecar_file.write(sidecar);
  image_file.sync();
  sidecar_file.complete();
  image_file.complete();
}

}  // namespace kvatlas::views
