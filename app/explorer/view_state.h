// What is looked at as JSON: layer, head, runs, place on the map, cursor, step. For --view, bookmarks and reports;
// knows selection and map.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace kvatlas::views {
class Document;
class MapPage;
class Selection;
}  // namespace kvatlas::views

namespace kvatlas::app {

// JSON, or the name of a file that holds it. UsageError where it is neither.
[[nodiscard]] nlohmann::json parseViewState(const std::string& text);

[[nodiscard]] nlohmann::json viewStateOf(const views::Selection& selection, views::MapPage& map);
// What the state does not name stays as it is; numbers the trace does not have are brought into its range. UsageError
// names the member that is of the wrong kind.
void applyViewState(const nlohmann::json& state, views::Selection& selection, views::MapPage& map);

}  // namespace kvatlas::app
