// Finds the letters of a figure that no installed font has and that are therefore drawn as boxes.
#pragma once

#include <string>

#include "views/plots/canvas.h"

namespace kvatlas::views {

// One sentence for the user; empty where every letter can be drawn.
[[nodiscard]] std::string missingLetters(Canvas& canvas);

}  // namespace kvatlas::views
