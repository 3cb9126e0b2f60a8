// What a view shows, as JSON: bookmarks, `--view STATE` and the state a trace was left in. Knows the selection; what
// the map adds (viewport, colours) it carries without knowing it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "views/models/document/selection.h"

namespace kvatlas::views {

struct ViewState {
  LayerIndex layer;
  HeadChoice head;
  trace::Reduction reduction = trace::Reduction::Max;
  std::optional<Cell> cursor;
  std::optional<TokenRange> keys;
  RunId focus = kNoRun, compare = kNoRun;  // recorded runs only: what-if runs do not outlive the window
  std::uint32_t step = 0;
  std::set<RunId> hidden;
  nlohmann::json view = nlohmann::json::object();  // of the window's other parts
};

[[nodiscard]] ViewState viewStateOf(const Selection& selection);
// Clamped by the selection. A focus that is not there any more leaves the present one.
void apply(const ViewState& state, Selection& selection);

[[nodiscard]] nlohmann::json toJson(const ViewState& state);
// Members that are missing keep their defaults, unknown ones are ignored. UsageError naming the member that is of a
// wrong kind.
[[nodiscard]] ViewState viewStateFrom(const nlohmann::json& json);
[[nodiscard]] ViewState parseViewState(std::string_view text);  // UsageError too where it is no JSON

}  // namespace kvatlas::views
