// Item data roles beyond Qt's own. Colours are 0xFFRRGGBB numbers because the models do not link Qt Gui.
#pragma once

#include <Qt>

namespace kvatlas::views {

enum ModelRole : int {
  SortRole = Qt::UserRole,  // a number if the text is numeric, else the text
  ValueRole,                // float; NaN where unknown
  LayerRole,
  HeadRole,
  RunRole,
  ColourRole,
  BeginRole,  // token range
  EndRole,
  CurrentRole,  // bool: the selected cell
  MatchRole,    // bool: the filter keeps the cell
};

}  // namespace kvatlas::views
