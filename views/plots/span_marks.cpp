#include "views/plots/span_marks.h"

#include <algorithm>

namespace kvatlas::views {
namespace {

constexpr std::ptrdiff_t kMostNarrow = 8;
constexpr double kBracketPoints = 1.8, kBracketGapPoints = 1.4, kNameGapPoints = 5;

// A span inside a longer one contrasts with it.
QPen bracketPen(const Canvas& canvas, bool nested) {
  const Rgb colour = nested ? canvas.colours().ink : canvas.colours().muted;
  return {toColour(colour), points(kBracketPoints), Qt::SolidLine, Qt::FlatCap, Qt::MiterJoin};
}

struct Bracket {
  trace::Span span;
  bool nested = false;
};

// Longest first, so that short ones are on top.
std::vector<Bracket> bracketsOf(const std::vector<trace::Span>& spans) {
  std::vector<Bracket> brackets;
  for (const trace::Span& span : spans) brackets.push_back({span, false});
  const auto length = [](const Bracket& b) { return b.span.end - b.span.begin; };
  std::stable_sort(brackets.begin(), brackets.end(),
                   [&](const Bracket& a, const Bracket& b) { return length(a) > length(b); });
  for (std::size_t i = 0; i < brackets.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (brackets[j].span.begin < brackets[i].span.end && brackets[i].span.begin < brackets[j].span.end)
        brackets[i].nested = true;
  return brackets;
}

// Start and end of a span along a side of `length` units, widened around its centre to at least the bracket's width.
std::pair<double, double> extentOf(const trace::Span& span, double tokens, double length, double least) {
  double begin = span.begin / tokens * length, end = span.end / tokens * length;
  if (end - begin < least) {
    const double middle = (begin + end) / 2;
    begin = std::max(0.0, middle - least / 2);
    end = std::min(length, begin + least);
  }
  return {begin, end};
}

QPen outlinePen(const QColor& colour) {
  QPen pen(colour, points(0.5), Qt::CustomDashLine, Qt::FlatCap, Qt::MiterJoin);
  pen.setDashPattern({4, 3});
  return pen;
}

}  // namespace

std::vector<SpanName> planSpanNames(const std::vector<trace::Span>& spans, double tokens, int width, int rows) {
  std::vector<SpanName> names;
  std::vector<double> free(static_cast<std::size_t>(std::max(rows, 0)), -1e9);
  std::vector<std::size_t> order(spans.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return spans[a].begin < spans[b].begin; });
  for (const std::size_t i : order) {
    const double half = Canvas::textWidth(spans[i].name, kTickPoints) / 2.0;
    if (2 * half > width || spans[i].name.empty()) continue;
    const double centre = std::clamp((spans[i].begin + spans[i].end) / 2.0 / tokens * width, half, width - half);
    const auto row = std::find_if(free.begin(), free.end(), [&](double end) { return centre - half >= end; });
    if (row == free.end()) continue;
    *row = centre + half + points(kNameGapPoints);
    names.push_back({i, centre, static_cast<int>(row - free.begin())});
  }
  return names;
}

int spanNamesHeight(const std::vector<SpanName>& names) {
  int rows = 0;
  for (const SpanName& name : names) rows = std::max(rows, name.row + 1);
  return static_cast<int>(points(kBracketPoints + 2 * kBracketGapPoints)) + rows * Canvas::textHeight(kTickPoints);
}

void drawKeySpans(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens,
                  const std::vector<SpanName>& names) {
  const double y = area.top() - points(kBracketGapPoints + kBracketPoints / 2);
  for (const auto& [span, nested] : bracketsOf(spans)) {
    const auto [begin, end] = extentOf(span, tokens, area.width(), points(kBracketPoints));
    canvas.addLine(QPointF(area.left() + begin, y), QPointF(area.left() + end, y), bracketPen(canvas, nested));
  }
  const double base = area.top() - points(kBracketPoints + 2 * kBracketGapPoints);
  for (const SpanName& name : names)
    canvas.addText(QPointF(area.left() + name.centre, base - name.row * Canvas::textHeight(kTickPoints)),
                   spans[name.span].name, {kTickPoints, Qt::AlignHCenter | Qt::AlignBottom}, canvas.colours().muted);
}

void drawQuerySpans(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens) {
  const double x = area.right() + 1 + points(kBracketGapPoints + kBracketPoints / 2);
  for (const auto& [span, nested] : bracketsOf(spans)) {
    const auto [begin, end] = extentOf(span, tokens, area.height(), points(kBracketPoints));
    canvas.addLine(QPointF(x, area.top() + begin), QPointF(x, area.top() + end), bracketPen(canvas, nested));
  }
}

void outlineSpansOnMap(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens) {
  const QPen pen = outlinePen(QColor(255, 255, 255, 200));
  constexpr double kDocument = 0.06;  // of the prompt: longer spans get a triangle
  const std::vector<Bracket> brackets = bracketsOf(spans);
  const auto isNarrow = [&](const Bracket& bracket) {
    return (bracket.span.end - bracket.span.begin) / tokens < kDocument && !bracket.nested;
  };
  // Many lines would cover the map; the marks along the axis suffice.
  const bool crowded = std::ranges::count_if(brackets, isNarrow) > kMostNarrow;
  for (const Bracket& bracket : brackets) {
    if (crowded && isNarrow(bracket)) continue;
    const trace::Span& span = bracket.span;
    const double x0 = area.left() + span.begin / tokens * area.width(),
                 x1 = area.left() + span.end / tokens * area.width();
    const double y0 = area.top() + span.begin / tokens * area.height(),
                 y1 = area.top() + span.end / tokens * area.height();
    if ((span.end - span.begin) / tokens >= kDocument) {
      if (span.begin > 0) canvas.addLine(QPointF(x0, y0), QPointF(x0, y1), pen);
      if (span.end < tokens) canvas.addLine(QPointF(x0, y1), QPointF(x1, y1), pen);
    } else {
      const double aside = points(0.8);  // beside the cells, not on them
      canvas.addLine(QPointF(x0 - aside, y0), QPointF(x0 - aside, area.top() + area.height()), pen);
      canvas.addLine(QPointF(x1 + aside, y1), QPointF(x1 + aside, area.top() + area.height()), pen);
    }
  }
}

void outlineSpansOnStrip(Canvas& canvas, const QRect& area, const std::vector<trace::Span>& spans, double tokens) {
  const QPen pen = outlinePen(toColour(canvas.colours().ink, 0.6));
  for (const trace::Span& span : spans) {
    for (const TokenIndex edge : {span.begin, span.end}) {
      if (edge == 0 || edge >= tokens) continue;
      const double x = area.left() + edge / tokens * area.width();
      canvas.addLine(QPointF(x, area.top()), QPointF(x, area.top() + area.height()), pen);
    }
  }
}

}  // namespace kvatlas::views
