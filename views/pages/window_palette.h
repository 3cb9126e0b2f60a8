// The window's palette in the figures' theme colours, and helpers to read it.
#pragma once

#include <QIcon>
#include <QPalette>
#include <string_view>

#include "views/models/palette.h"

namespace kvatlas::views {

// Palette for the Fusion style in the colours of a theme.
[[nodiscard]] QPalette windowPalette(Theme theme);
// The theme of a palette: dark if its base is darker than its text.
[[nodiscard]] Theme themeOf(const QPalette& palette);
// A square in the legend colour of a method; hollow for what-if runs.
[[nodiscard]] QIcon methodIcon(std::string_view method, Theme theme, bool hollow = false);
[[nodiscard]] QIcon colourIcon(Rgb colour, bool hollow = false);

}  // namespace kvatlas::views
