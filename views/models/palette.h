// Colours, marks and titles of the methods, shared by all views and figures; no Qt Gui.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kvatlas::views {

struct Rgb {
  std::uint8_t r = 0, g = 0, b = 0;
  friend constexpr bool operator==(Rgb, Rgb) = default;
};

// 0xRRGGBB → Rgb.
[[nodiscard]] constexpr Rgb rgb(std::uint32_t hex) {
  return {static_cast<std::uint8_t>(hex >> 16), static_cast<std::uint8_t>(hex >> 8), static_cast<std::uint8_t>(hex)};
}
// a at t = 0, b at t = 1, linear in sRGB.
[[nodiscard]] Rgb mix(Rgb a, Rgb b, double t);

enum class Theme { Light, Dark };
enum class Mark { None, Circle, Square, Triangle, Diamond, Cross, Plus, TriangleDown, Star };

// The colours around the data.
struct ThemeColours {
  Rgb paper, ink, muted, grid, evicted, not_captured, not_captured_hatch;
};
[[nodiscard]] const ThemeColours& themeColours(Theme theme);

// A method's own colour, or the next of a fixed list for a method of the table without one; `full` has the theme's
// ink. An unknown method is grey-violet.
[[nodiscard]] Rgb methodColour(std::string_view method, Theme theme = Theme::Light);
[[nodiscard]] Mark methodMark(std::string_view method);
// "PyramidKV" from the method table; an unknown method's name is its title.
[[nodiscard]] std::string methodTitle(std::string_view method);
// The dashed oracle line.
[[nodiscard]] Rgb oracleColour(Theme theme = Theme::Light);

// Lighter for the smallest budget of a method (place 0), darker for the largest (1).
[[nodiscard]] Rgb budgetShade(Rgb colour, double place);

}  // namespace kvatlas::views
