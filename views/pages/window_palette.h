// The window's colours from those of the figures, and what a widget asks of its palette; knows no document.
#pragma once

#include <QIcon>
#include <QPalette>
#include <string_view>

#include "views/models/palette.h"

namespace kvatlas::views {

// Everything a Fusion-styled window draws, in the colours of a theme.
[[nodiscard]] QPalette windowPalette(Theme theme);
// The theme a palette belongs to: dark where its paper is darker than its ink.
[[nodiscard]] Theme themeOf(const QPalette& palette);
// A square in the colour of a method, as legends have it; hollow for a run that was not made for real.
[[nodiscard]] QIcon methodIcon(std::string_view method, Theme theme, bool hollow = false);

}  // namespace kvatlas::views
