// The state of a view as JSON: for bookmarks, `--view STATE` and restoring a trace. Map settings (viewport, colours)
// are stored as opaque JSON. No Qt.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "views/models/document/cell.h"
#include "views/models/document/head_choice.h"
#include "views/models/document/run_view.h"

namespace kvatlas::views {

class Selection;

struct ViewState {
  LayerIndex layer;
  HeadChoice head;
  trace::Reduction reduction = trace::Reduction::Max;
  std::optional<Cell> cursor;
  std::optional<TokenRange> keys;
  RunId focus = kNoRun, compare = kNoRun;  // recorded runs only: what-if runs are not saved
  std::uint32_t step = 0;
  std::set<RunId> hidden;
  nlohmann::json view = nlohmann::json::object();  // other parts of the window
};

[[nodiscard]] ViewState viewStateOf(const Selection& selection);
// The selection clamps the state. If the focus run does not exist, the current focus stays.
void apply(const ViewState& state, Selection& selection);

[[nodiscard]] nlohmann::json toJson(const ViewState& state);
// Missing members default, unknown ones are ignored. UsageError naming a member of the wrong
// type.
[[nodiscard]] ViewState viewStateFrom(const nlohmann::json& json);
[[nodiscard]] ViewState parseViewState(std::string_view text);  // UsageError too for invalid JSON

}  // namespace kvatlas::views
