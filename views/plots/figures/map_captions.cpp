#include "views/plots/figures/map_captions.h"

#include <fmt/format.h>

#include "views/models/number_text.h"

namespace kvatlas::views {

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
