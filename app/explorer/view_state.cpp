#include "app/explorer/view_state.h"

#include <array>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/files.h"
#include "views/models/selection.h"
#include "views/pages/map_page.h"

namespace kvatlas::app {
namespace {

using nlohmann::json;

constexpr std::array kHeadKinds{"head", "mean", "max", "group mean", "group max"};   // as HeadChoice::Kind
constexpr std::array kModes{"one", "side by side", "split", "blink", "difference"};  // as PaneMode

template <class Value>
bool take(const json& state, const char* name, Value& value) {
  const auto found = state.find(name);
  if (found == state.end()) return false;
  try {
    found->get_to(value);
  } catch (const json::exception&) {
    failUsage("--view: {} is of the wrong kind: {}", name, found->dump());
  }
  return true;
}

template <std::size_t Count>
std::size_t indexOf(const std::array<const char*, Count>& names, const std::string& name, const char* what) {
  for (std::size_t i = 0; i < Count; ++i)
    if (name == names[i]) return i;
  failUsage("--view: {} '{}' is unknown", what, name);
}

void applyHead(const json& state, views::Selection& selection) {
  std::string kind;
  views::HeadChoice head;
  if (!take(state, "heads", kind)) return;
  head.kind = static_cast<views::HeadChoice::Kind>(indexOf(kHeadKinds, kind, "heads"));
  (void)take(state, "head", head.index);
  selection.setHead(head);
}

void applyPlace(const json& state, views::Selection& selection, views::MapPage& map) {
  std::array<double, 4> window{};
  if (take(state, "window", window))
    map.view().setWindow({window[0], window[1], window[2], window[3]}, views::MapView::Step::Jump);
  std::array<std::uint32_t, 2> cursor{};
  if (take(state, "cursor", cursor)) selection.setCursor(views::Cell{cursor[0], cursor[1]});
}

}  // namespace

json parseViewState(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\n");
  json state =
      begin != std::string::npos && text[begin] == '{' ? json::parse(text, nullptr, false) : readJsonFile(text);
  if (!state.is_object()) failUsage("--view: expected a JSON object, or a file that holds one");
  return state;
}

json viewStateOf(const views::Selection& selection, views::MapPage& map) {
  const views::TokenWindow window = map.view().window();
  json state{{"layer", selection.layer().value},
             {"heads", kHeadKinds[selection.head().kind]},
             {"head", selection.head().index},
             {"reduction", selection.reduction() == trace::Reduction::Max ? "max" : "mean"},
             {"focus", selection.focusRun()},
             {"compare", selection.compareRun()},
             {"mode", kModes[static_cast<std::size_t>(map.mode())]},
             {"step", selection.step()},
             {"window", {window.key_begin, window.key_end, window.query_begin, window.query_end}}};
  if (const auto cursor = selection.cursor()) state["cursor"] = {cursor->query, cursor->key};
  return state;
}

void applyViewState(const json& state, views::Selection& selection, views::MapPage& map) {
  std::uint32_t number = 0;
  std::string word;
  int run = 0;
  if (take(state, "layer", number)) selection.setLayer(LayerIndex(number));
  applyHead(state, selection);
  if (take(state, "reduction", word)) {
    if (word != "max" && word != "mean") failUsage("--view: reduction '{}' is unknown: max or mean", word);
    selection.setReduction(word == "max" ? trace::Reduction::Max : trace::Reduction::Mean);
  }
  if (take(state, "focus", run)) selection.setFocusRun(run);
  if (take(state, "compare", run)) selection.setCompareRun(run);
  if (take(state, "mode", word)) map.setMode(static_cast<views::PaneMode>(indexOf(kModes, word, "mode")));
  if (take(state, "step", number)) selection.setStep(number);
  applyPlace(state, selection, map);
}

}  // namespace kvatlas::app
