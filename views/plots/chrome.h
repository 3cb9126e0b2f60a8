// Title and footnote of a figure; knows no trace.
#pragma once

#include <string>
#include <vector>

#include "views/plots/canvas.h"

namespace kvatlas::views {

// Heights are known before the canvas is made, so that a figure is exactly as tall as its parts.
struct Chrome {
  std::string title;
  std::vector<std::string> notes;  // lines under the plots
  [[nodiscard]] int top() const;
  [[nodiscard]] int bottom() const;
};

inline constexpr int kOuterMargin = 12;  // units, all four sides

// Phrases are joined with " · " and broken between phrases to fit `width`.
[[nodiscard]] Chrome planChrome(const std::string& title, const std::vector<std::string>& phrases, int width);
void drawChrome(Canvas& canvas, const Chrome& chrome);

}  // namespace kvatlas::views
