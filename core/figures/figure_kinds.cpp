#include "core/figures/figure_kinds.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::figures {

bool FigureKind::reads(SpecField field) const {
  return std::any_of(fields.begin(), fields.end(), [&](const ReadField& read) { return read.field == field; });
}

std::span<const FigureKind> figureKinds() {
#define KVATLAS_FIGURE(builder, ...) FigureKind{__VA_ARGS__},
  static const std::vector<FigureKind> table{
#include "core/figures/figure_rows.inc"
  };
#undef KVATLAS_FIGURE
  return table;
}

const FigureKind& findFigureKind(std::string_view name) {
  std::vector<std::string> known;
  for (const FigureKind& kind : figureKinds()) {
    if (kind.name == name) return kind;
    known.emplace_back(kind.name);
  }
  failUsage("figure '{}' is unknown{}", name, suggestion(name, known));
}

}  // namespace kvatlas::figures
