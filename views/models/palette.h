// The one table of method colours, marks and titles, the same in every view and figure; knows no Qt Gui.
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
// a at t = 0, b at t = 1, straight in sRGB.
[[nodiscard]] Rgb mix(Rgb a, Rgb b, double t);

enum class Theme { Light, Dark };
enum class Mark { None, Circle, Square, Triangle, Diamond, Cross, Plus, TriangleDown, Star };

// The colours around the data.
struct ThemeColours {
  Rgb paper, ink, muted, grid, evicted, not_captured, not_captured_hatch;
};
[[nodiscard]] const ThemeColours& themeColours(Theme theme);

// A method's own colour, or the next of a fixed list for a row of the method table without one; `full` is the ink of
// the theme. A name outside the table gets a fixed grey-violet.
[[nodiscard]] Rgb methodColour(std::string_view method, Theme theme = Theme::Light);
[[nodiscard]] Mark methodMark(std::string_view method);
// "PyramidKV" from the method table, or the name itself for a method this build does not know.
[[nodiscard]] std::string methodTitle(std::string_view method);
// The dashed line of the best set of equal size.
[[nodiscard]] Rgb oracleColour(Theme theme = Theme::Light);

}  // namespace kvatlas::views
