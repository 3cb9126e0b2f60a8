// Title and footnotes of a figure.
#pragma once

#include <string>
#include <vector>

#include "views/plots/canvas.h"

namespace kvatlas::views {

// Computes heights before the canvas exists, so that the figure is exactly as tall as its parts.
struct Chrome {
  std::string title;
  std::vector<std::string> notes;  // lines under the plots
  [[nodiscard]] int top() const;
  [[nodiscard]] int bottom() const;
};

inline constexpr int kOuterMargin = 12;  // units, all four sides

// Joins phrases with " · " and breaks lines between phrases to fit `width`.
[[nodiscard]] Chrome planChrome(const std::string& title, const std::vector<std::string>& phrases, int width);
void drawChrome(Canvas& canvas, const Chrome& chrome);

}  // namespace kvatlas::views
