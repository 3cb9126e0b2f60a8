// The colour of a run: its method's, lighter or darker where a trace has several budgets of one method. No Qt Gui.
#pragma once

#include "views/models/document/document.h"
#include "views/models/palette.h"

namespace kvatlas::views {

// A method's only budget has the method's colour. Of several, the smallest is the lightest.
[[nodiscard]] Rgb runColour(const Document& document, RunId run, Theme theme);
// Colours for what only A or only B keeps, told apart even for two budgets of one method.
struct ComparedColours {
  Rgb a, b;
};
[[nodiscard]] ComparedColours comparedColours(const Document& document, RunId a, RunId b, Theme theme);

}  // namespace kvatlas::views
