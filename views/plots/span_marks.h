// Outlines of named token ranges on maps and their names along an axis; knows panels and spans only.
#pragma once

#include <string>
#include <vector>

#include "core/trace/records.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {

struct SpanName {
  std::size_t span = 0;
  double centre = 0;  // units from the panel's left edge
  int row = 0;        // 0 is nearest to the panel
};

// Names that fit over `width` units without touching, on at most `rows` rows; names that do not fit are left out.
[[nodiscard]] std::vector<SpanName> planSpanNames(const std::vector<trace::Span>& spans, double tokens, int width,
                                                  int rows);
[[nodiscard]] int spanNamesHeight(const std::vector<SpanName>& names);  // brackets included

// Brackets above the panel, one per span, with their names.
void drawKeySpans(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens,
                  const std::vector<SpanName>& names);
// Brackets left of a panel whose queries run down.
void drawQuerySpans(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens);
// On a causal map: the keys of the span from its own queries down (its column), and the triangle of its own attention.
void outlineSpansOnMap(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens);
// On a strip of positions: both borders of each span.
void outlineSpansOnStrip(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens);

}  // namespace kvatlas::views
