// What is looked at: the selection, and what the map adds to it (place, comparison, colours). For --view, bookmarks and
// the state a trace was left in; knows selection and map.
#pragma once

#include <string>

#include "views/models/document/view_state.h"

namespace kvatlas::views {
class MapPage;
}  // namespace kvatlas::views

namespace kvatlas::app {

// JSON, or the name of a file that holds it. UsageError where it is neither or a member is of the wrong kind.
[[nodiscard]] views::ViewState readViewState(const std::string& text);

[[nodiscard]] views::ViewState fullStateOf(const views::Selection& selection, views::MapPage& map);
// Numbers the trace does not have are brought into its range. UsageError names the member that is of the wrong kind.
void applyFully(const views::ViewState& state, views::Selection& selection, views::MapPage& map);

}  // namespace kvatlas::app
