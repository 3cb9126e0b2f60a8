// What item models answer beside Qt's own roles; colours are 0xFFRRGGBB numbers, because models know no Qt Gui.
#pragma once

#include <Qt>

namespace kvatlas::views {

enum ModelRole : int {
  SortRole = Qt::UserRole,  // a number where the text is one, else the text
  ValueRole,                // float; NaN where unknown
  LayerRole,
  HeadRole,
  RunRole,
  ColourRole,
  BeginRole,  // token range
  EndRole,
  CurrentRole,  // bool: this is what is selected
};

}  // namespace kvatlas::views
