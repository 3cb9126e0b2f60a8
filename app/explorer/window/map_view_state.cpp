#include "app/explorer/window/map_view_state.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"
#include "core/base/files.h"
#include "views/models/colour_table.h"
#include "views/pages/map/map_mosaic.h"
#include "views/pages/map/map_page.h"
#include "views/pages/map/pane_windows.h"

namespace kvatlas::app {
namespace {

using nlohmann::json;

constexpr std::array kModes{"one", "side by side", "split", "blink", "difference", "ratio"};  // as PaneMode
constexpr std::array kScales{"linear", "log", "sqrt"};                                        // as ScaleKind
constexpr std::array kOverlays{"dim", "edge", "hatch"};                                       // as EvictionStyle
constexpr std::array kSpreads{"heads", "layers", "runs"};                                     // as MapMosaic::Spread
constexpr std::array kViewCounts{1, 2, 4, 9};
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 20;
static_assert(kModes.size() == views::kPaneModes);

template <class Value>
bool readMember(const json& object, const char* name, Value& value) {
  const auto found = object.find(name);
  if (found == object.end()) return false;
  try {
    found->get_to(value);
  } catch (const json::exception&) {
    failUsage("view: '{}' has the wrong type: {}", name, found->dump());
  }
  return true;
}

template <std::size_t Count>
std::size_t indexOf(const std::array<const char*, Count>& names, const std::string& name, const char* what) {
  for (std::size_t i = 0; i < Count; ++i)
    if (name == names[i]) return i;
  failUsage("view: {} '{}' is unknown", what, name);
}

json coloursJson(const views::ColourSettings& colours) {
  return {{"map", colours.table},
          {"scale", kScales.at(static_cast<std::size_t>(colours.kind))},
          {"low", colours.low},
          {"high", colours.high},
          {"difference", colours.difference_limit},
          {"ratio", colours.ratio_limit},
          {"skip_keys", colours.skip_keys},
          {"overlay", kOverlays.at(static_cast<std::size_t>(colours.eviction))},
          {"opacity", colours.eviction_opacity}};
}

bool positive(double value) {
  return std::isfinite(value) && value > 0;
}

views::ColourSettings coloursFrom(const json& object, views::ColourSettings colours) {
  std::string word;
  if (readMember(object, "map", colours.table)) (void)views::colourTable(colours.table);  // throws for unknown names
  if (readMember(object, "scale", word)) colours.kind = static_cast<views::ScaleKind>(indexOf(kScales, word, "scale"));
  (void)readMember(object, "low", colours.low);
  (void)readMember(object, "high", colours.high);
  (void)readMember(object, "difference", colours.difference_limit);
  (void)readMember(object, "ratio", colours.ratio_limit);
  if (readMember(object, "overlay", word))
    colours.eviction = static_cast<views::EvictionStyle>(indexOf(kOverlays, word, "overlay"));
  (void)readMember(object, "skip_keys", colours.skip_keys);
  (void)readMember(object, "opacity", colours.eviction_opacity);
  if (!(colours.eviction_opacity >= 0 && colours.eviction_opacity <= 1))
    failUsage("view: 'opacity' is not between 0 and 1");
  if (!std::isfinite(colours.low) || colours.low < 0 || !positive(colours.high) ||
      !positive(colours.difference_limit) || !positive(colours.ratio_limit))
    failUsage("view: a colour limit is not a positive number");
  return views::withLimits(colours, colours.low, colours.high);
}

views::TokenWindow windowFrom(const std::array<double, 4>& numbers) {
  const auto [key_begin, key_end, query_begin, query_end] = numbers;
  for (const double number : numbers)
    if (!std::isfinite(number)) failUsage("view: 'window' is not four numbers");
  if (key_begin >= key_end || query_begin >= query_end) failUsage("view: 'window' ends before it begins");
  return {key_begin, key_end, query_begin, query_end};
}

// Linked maps: how many, what they show, and what each has chosen for itself.
struct LinkedViews {
  int count = 1;
  std::size_t spread = 0;
  std::vector<views::MapPane::Own> own;
};

// Members of a view state, present where the map has its own. What-if runs are not saved.
json ownJson(const views::MapPane::Own& own) {
  views::ViewState state;
  state.layer = own.layer.value_or(LayerIndex());
  state.head = own.head.value_or(views::HeadChoice());
  state.focus = own.run.value_or(views::kNoRun);
  const json all = views::toJson(state);
  json some = json::object();
  if (own.layer) some["layer"] = all["layer"];
  if (own.head) some["heads"] = all["heads"];
  if (own.head) some["head"] = all["head"];
  if (own.run && !views::isWhatIf(*own.run)) some["focus"] = all["focus"];
  return some;
}

views::MapPane::Own ownFrom(const json& object) {
  const views::ViewState state = views::viewStateFrom(object);
  views::MapPane::Own own;
  if (object.contains("layer")) own.layer = state.layer;
  if (object.contains("heads")) own.head = state.head;
  if (state.focus != views::kNoRun) own.run = state.focus;
  return own;
}

json viewsJson(const views::MapMosaic& mosaic) {
  json linked = {{"count", mosaic.count()}, {"spread", kSpreads.at(static_cast<std::size_t>(mosaic.spread()))}};
  const std::vector<views::MapPane::Own> own = mosaic.own();
  if (std::ranges::any_of(own, &views::MapPane::Own::any))
    for (const views::MapPane::Own& each : own) linked["own"].push_back(ownJson(each));
  return linked;
}

LinkedViews viewsFrom(const json& view) {
  LinkedViews linked;
  json object, own = json::array();
  std::string spread = kSpreads.front();
  if (!readMember(view, "views", object)) return linked;
  if (!object.is_object()) failUsage("view: 'views' is not an object");
  (void)readMember(object, "count", linked.count);
  if (std::ranges::find(kViewCounts, linked.count) == kViewCounts.end())
    failUsage("view: 'count' of the views is not 1, 2, 4 or 9");
  (void)readMember(object, "spread", spread);
  linked.spread = indexOf(kSpreads, spread, "spread");
  if (readMember(object, "own", own) && !own.is_array()) failUsage("view: 'own' is not a list");
  for (const json& each : own) linked.own.push_back(ownFrom(each));
  return linked;
}

}  // namespace

views::ViewState readViewState(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\n");
  const bool inlined = begin != std::string::npos && text[begin] == '{';
  return views::parseViewState(inlined ? text : readFile(text, kMaxBytes));
}

views::ViewState fullStateOf(const views::Selection& selection, views::MapPage& map) {
  views::ViewState state = views::viewStateOf(selection);
  const views::TokenWindow window = map.frontView().window();
  state.view = {{"mode", kModes.at(static_cast<std::size_t>(map.mode()))}, {"colours", coloursJson(map.colours())}};
  // Omits the window if it shows the whole map, which then fits a window of any shape.
  if (!views::showsWhole(map.frontView()))
    state.view["window"] = {window.key_begin, window.key_end, window.query_begin, window.query_end};
  if (map.views() > 1) state.view["views"] = viewsJson(map.mosaic());
  return state;
}

void applyFully(const views::ViewState& state, views::Selection& selection, views::MapPage& map) {
  std::string word;
  json colours;
  std::array<double, 4> window{};
  // Reads every member before changing anything.
  const bool has_mode = readMember(state.view, "mode", word), has_window = readMember(state.view, "window", window);
  const auto mode = has_mode ? static_cast<views::PaneMode>(indexOf(kModes, word, "mode")) : views::PaneMode::Single;
  const views::TokenWindow place = has_window ? windowFrom(window) : views::TokenWindow{};
  const auto settings =
      readMember(state.view, "colours", colours) ? coloursFrom(colours, map.colours()) : map.colours();
  const LinkedViews linked = viewsFrom(state.view);
  views::apply(state, selection);
  map.setViews(linked.count, static_cast<int>(linked.spread));
  map.mosaic().setOwn(linked.own);
  if (settings != map.colours()) map.setColours(settings);
  if (has_mode) map.setMode(mode);
  if (has_window)
    map.showWindow(place);
  else
    map.fit();
  selection.setCursor(state.cursor);
}

}  // namespace kvatlas::app
