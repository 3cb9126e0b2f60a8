#include "views/models/figures/figure_head.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "views/models/figures/figure_sidecar.h"
#include "views/models/number_text.h"

namespace kvatlas::views {

FigureHead startFigure(const FigureSpec& spec, const TraceFacts& facts) {
  FigureHead figure;
  figure.sidecar = sidecarOf(spec, facts);
  figure.title = spec.title.empty() ? fmt::format("{} of {}", spec.kind, facts.model) : spec.title;
  figure.created = facts.created;
  if (!facts.complete)
    figure.warnings.push_back(
        fmt::format("{}: its capture is not complete; the figure shows what was written", facts.file));
  return figure;
}

FigureHead startFigure(const FigureSpec& spec, const Traces& traces, const std::vector<RunChoice>& choices) {
  FigureHead figure = startFigure(spec, traceFacts(*traces.front()));
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

FigureHead startFigure(const FigureSpec& spec, const results::ResultsReader& reader) {
  const ResultsFacts facts = resultsFacts(reader, spec.score);
  FigureHead figure;
  figure.sidecar = sidecarOf(spec, facts, reader.settings());
  figure.title = spec.title.empty() ? fmt::format("{} of {}", spec.kind, facts.model) : spec.title;
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

}  // namespace kvatlas::views
