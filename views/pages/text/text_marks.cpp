#include "views/pages/text/text_marks.h"

#include <QTextCursor>
#include <optional>

#include "views/models/contrast.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr Rgb kKey = rgb(0xE69F00), kQuery = rgb(0x56B4E9), kSpan = rgb(0x999999), kMatch = rgb(0xF0E442),
              kShade = rgb(0xD55E00);

// The strongest reason decides the background; eviction is a strike-out, so it shows on any of them.
std::optional<Rgb> backgroundOf(const TokenLook& look, Theme theme) {
  const ThemeColours& colours = themeColours(theme);
  if (look.current_match) return mix(colours.paper, kMatch, 0.9);
  if (look.key) return keyColour(theme);
  if (look.query) return queryColour(theme);
  if (look.match) return mix(colours.paper, kMatch, 0.45);
  if (look.shade > 0) return mix(colours.paper, kShade, 0.7 * look.shade / kShades);
  if (look.span) return mix(colours.paper, kSpan, 0.25);
  return std::nullopt;
}

QTextCharFormat formatOf(const TokenLook& look, const QPalette& palette) {
  QTextCharFormat format;
  const ThemeColours& colours = themeColours(themeOf(palette));
  const std::optional<Rgb> background = backgroundOf(look, themeOf(palette));
  if (background) {
    format.setBackground(toColour(*background));
    format.setForeground(toColour(inkOn(*background)));
  }
  if (look.span) {
    format.setUnderlineStyle(QTextCharFormat::DotLine);
    format.setUnderlineColor(toColour(colours.muted));
  }
  if (!look.evicted) return format;
  format.setFontStrikeOut(true);
  if (!background) format.setForeground(toColour(colours.muted));
  return format;
}

}  // namespace

Rgb queryColour(Theme theme) {
  return mix(themeColours(theme).paper, kQuery, 0.75);
}

Rgb keyColour(Theme theme) {
  return mix(themeColours(theme).paper, kKey, 0.75);
}

QList<QTextEdit::ExtraSelection> marksOf(const QPlainTextEdit& text, const std::vector<int>& begins, TokenIndex first,
                                         const std::vector<TokenLook>& looks) {
  QList<QTextEdit::ExtraSelection> marks;
  for (std::size_t i = 0; i < looks.size();) {
    std::size_t end = i + 1;
    while (end < looks.size() && looks[end] == looks[i]) ++end;
    const std::size_t from = first + i, to = first + end;
    if (looks[i] != TokenLook{} && to < begins.size() && begins[from] != begins[to]) {
      QTextCursor cursor(text.document());
      cursor.setPosition(begins[from]);
      cursor.setPosition(begins[to], QTextCursor::KeepAnchor);
      marks.append({cursor, formatOf(looks[i], text.palette())});
    }
    i = end;
  }
  return marks;
}

}  // namespace kvatlas::views
