// View state: the selection plus the map's window, comparison and colours.
// Used by --view, bookmarks and the last view of a trace.
#pragma once

#include <string>

#include "views/models/document/view_state.h"

namespace kvatlas::views {
class MapPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

// JSON, or the path of a file with it. UsageError if it is neither or a member has the wrong type.
[[nodiscard]] views::ViewState readViewState(const std::string& text);

[[nodiscard]] views::ViewState fullStateOf(const views::Selection& selection, views::MapPage& map);
// Clamps numbers to the range of the trace. UsageError names a member of the wrong type.
void applyFully(const views::ViewState& state, views::Selection& selection, views::MapPage& map);

}  // namespace kvatlas::app
