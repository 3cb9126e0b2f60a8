#include "views/plots/figures/figure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/plots/figures/figure_export.h"

namespace kvatlas::views {

Figure buildFigure(const Traces& traces, const FigureSpec& spec) {
  checkSpec(spec);
  for (const trace::Reader* trace : traces)
    if (trace->tokens() == 0 || trace->header().model.layers == 0)
      fail("{}: holds no prompt to draw", trace->path().string());
  const bool map = spec.kind == FigureKind::Pattern || spec.kind == FigureKind::Heatmap;
  if (map && traces.size() != 1)
    failUsage("a {} figure shows one trace, {} were given", figureKindName(spec.kind), traces.size());
  requireOneTokenisation(traces);
  switch (spec.kind) {
    case FigureKind::Pattern:
      return patternFigure(*traces.front(), spec);
    case FigureKind::Heatmap:
      return heatmapFigure(*traces.front(), spec);
    case FigureKind::Budget:
      return budgetFigure(traces, spec);
    case FigureKind::Eviction:
      return evictionFigure(traces, spec);
    case FigureKind::Retained:
      return retainedFigure(traces, spec);
    default:
      failUsage("a {} figure is not drawn from a trace", figureKindName(spec.kind));
  }
}

Figure buildFigure(const trace::Reader& reader, const FigureSpec& spec) {
  return buildFigure(Traces{&reader}, spec);
}

Figure buildFigure(const results::ResultsReader& reader, const FigureSpec& spec) {
  checkSpec(spec);
  if (spec.kind == FigureKind::Needle) return needleFigure(reader, spec);
  if (spec.kind == FigureKind::Accuracy) return accuracyFigure(reader, spec);
  failUsage("a {} figure is not drawn from results", figureKindName(spec.kind));
}

void writeFigure(Figure& figure, const std::filesystem::path& path, double dpi) {
  const FigureFormat format = formatOf(path);
  const QByteArray bytes = renderFigure(*figure.canvas, format, {dpi, figure.title, figure.created});
  figure.sidecar["figure"] = path.filename().string();
  figure.sidecar["height_inches"] = static_cast<double>(figure.canvas->height()) / kUnitsPerInch;
  figure.sidecar["warnings"] = figure.warnings;
  writeFileAtomically(path, std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size())));
  writeFileAtomically(path.string() + ".json", figure.sidecar.dump(2) + "\n");
}

Figure startFigure(const FigureSpec& spec, const TraceFacts& facts) {
  Figure figure;
  figure.sidecar = sidecarOf(spec, facts);
  figure.title = spec.title.empty() ? fmt::format("{} of {}", figureKindName(spec.kind), facts.model) : spec.title;
  figure.created = facts.created;
  if (!facts.complete)
    figure.warnings.push_back(
        fmt::format("{}: its capture is not complete; the figure shows what was written", facts.file));
  return figure;
}

Figure startFigure(const FigureSpec& spec, const Traces& traces, const std::vector<RunChoice>& choices) {
  Figure figure = startFigure(spec, traceFacts(*traces.front()));
  nlohmann::json runs = nlohmann::json::array(), files = nlohmann::json::array();
  const std::vector<std::string> names = traceNames(traces);
  for (std::size_t i = 0; i < traces.size(); ++i) {
    files.push_back(describeTrace(traceFacts(*traces[i])));
    if (i > 0 && !traces[i]->complete())
      figure.warnings.push_back(fmt::format("{}: its capture is not complete", traces[i]->path().filename().string()));
    for (const ChosenRun& run : choices[i].runs) {
      runs.push_back(describeRun(run));
      if (traces.size() > 1) runs.back()["trace"] = names[i];
    }
  }
  if (traces.size() > 1) figure.sidecar["traces"] = std::move(files);
  figure.sidecar["runs"] = std::move(runs);
  return figure;
}

Figure startFigure(const FigureSpec& spec, const results::ResultsReader& reader) {
  const ResultsFacts facts = resultsFacts(reader, spec.score);
  Figure figure;
  figure.sidecar = sidecarOf(spec, facts, reader.settings());
  figure.title = spec.title.empty() ? fmt::format("{} of {}", figureKindName(spec.kind), facts.model) : spec.title;
  figure.warnings = reader.warnings();
  return figure;
}

std::vector<std::string> commonNotes(const ResultsFacts& facts) {
  std::vector<std::string> notes;
  if (!facts.model.empty()) notes.push_back(facts.model);
  if (!facts.haystack.empty()) notes.push_back("text: " + facts.haystack);
  if (!facts.kinds.empty()) notes.push_back(fmt::format("needle: {}", fmt::join(facts.kinds, ", ")));
  if (facts.trials > 0)
    notes.push_back(facts.trials == 1 ? "one trial per cell" : fmt::format("{} trials per cell", facts.trials));
  if (facts.cases_done < facts.cases_planned)
    notes.push_back(fmt::format("unfinished: {} of {} cases", facts.cases_done, facts.cases_planned));
  return notes;
}

std::vector<std::string> commonNotes(const TraceFacts& facts) {
  std::vector<std::string> notes;
  if (!facts.model.empty()) notes.push_back(facts.model);
  notes.push_back(fmt::format("N = {} tokens", grouped(facts.tokens)));
  if (!facts.complete) notes.emplace_back("unfinished capture");
  return notes;
}

std::string headPhrase(std::optional<HeadIndex> head, std::uint32_t query_heads) {
  if (head) return fmt::format("query head {}", head->value);
  return query_heads == 1 ? "one query head" : fmt::format("mean over {} query heads", query_heads);
}

std::string cellPhrase(std::uint64_t cell, trace::Reduction reduction) {
  const char* reducer = reduction == trace::Reduction::Mean ? "mean" : "max";
  if (cell == 1) return fmt::format("1 cell = 1 query × 1 key ({} where several share a dot)", reducer);
  return fmt::format("1 cell = {0} × {0} tokens ({1})", cell, reducer);
}

std::string scaleNote(const FigureSpec& spec) {
  std::string note = spec.clip < 1 ? fmt::format("colours saturate at {}", plainNumber(spec.clip)) : "";
  if (spec.scale == ScaleKind::Log) note += note.empty() ? "black: exactly 0" : ", black: exactly 0";
  return note;
}

ColourBar mapColourBar(const FigureSpec& spec) {
  const bool log = spec.scale == ScaleKind::Log;
  ColourBar bar{{colourTable(spec.colour_map)},
                {spec.scale, log ? spec.floor : 0.0, spec.clip},
                log,
                spec.clip < 1,
                "attention probability"};
  return bar;
}

}  // namespace kvatlas::views
