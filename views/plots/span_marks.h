// Draws named spans: outlines on maps, brackets and names along an axis.
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

// Places names over `width` units without overlap, on at most `rows` rows; drops names that do not fit.
[[nodiscard]] std::vector<SpanName> planSpanNames(const std::vector<trace::Span>& spans, double tokens, int width,
                                                  int rows);
[[nodiscard]] int spanNamesHeight(const std::vector<SpanName>& names);  // brackets included

// Brackets above the panel, one per span, with their names.
void drawKeySpans(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens,
                  const std::vector<SpanName>& names);
// Brackets left of a panel with queries from top to bottom.
void drawQuerySpans(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens);
// On a causal map: the span's column of keys, from its own queries down, and the triangle of its self-attention.
void outlineSpansOnMap(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens);
// On a strip of positions: the start and end of each span.
void outlineSpansOnStrip(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens);

}  // namespace kvatlas::views
