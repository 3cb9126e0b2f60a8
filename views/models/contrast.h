// Contrast of two colours (WCAG 2.1) and the ink that can be read on a colour; no Qt Gui.
#pragma once

#include "views/models/palette.h"

namespace kvatlas::views {

// 1 (equal) to 21 (black on white).
[[nodiscard]] double contrast(Rgb a, Rgb b);
// Black or white, whichever has more contrast: at least 4.58 on any colour.
[[nodiscard]] Rgb inkOn(Rgb ground);

}  // namespace kvatlas::views
