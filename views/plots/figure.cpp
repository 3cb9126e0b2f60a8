#include "views/plots/figure.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "views/models/figure_sidecar.h"
#include "views/plots/figure_export.h"

namespace kvatlas::views {

Figure buildFigure(const trace::Reader& reader, const FigureSpec& spec) {
  checkSpec(spec);
  if (reader.tokens() == 0 || reader.header().model.layers == 0)
    fail("{}: holds no prompt to draw", reader.path().string());
  switch (spec.kind) {
    case FigureKind::Pattern:
      return patternFigure(reader, spec);
    case FigureKind::Heatmap:
      return heatmapFigure(reader, spec);
    case FigureKind::Budget:
      return budgetFigure(reader, spec);
    case FigureKind::Eviction:
      return evictionFigure(reader, spec);
    case FigureKind::Retained:
      return retainedFigure(reader, spec);
  }
  fail("unknown kind of figure");
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
