#include "views/models/document/view_state.h"

#include <array>

#include "core/base/error.h"
#include "core/base/json_depth.h"

namespace kvatlas::views {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kKinds = {"head", "mean", "max", "group-mean", "group-max"};

[[noreturn]] void failMember(std::string_view name, std::string_view expected) {
  failUsage("view: '{}' is not {}", name, expected);
}

// Reads a number; a missing member gives the default.
std::uint32_t count(const json& object, const char* name, std::uint32_t fallback) {
  const auto found = object.find(name);
  if (found == object.end()) return fallback;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > UINT32_MAX)
    failMember(name, "a non-negative integer");
  return found->get<std::uint32_t>();
}

RunId runNumber(const json& value, const char* name) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= static_cast<std::uint64_t>(kFirstWhatIf))
    failMember(name, "a run number");
  return value.get<RunId>();
}

RunId run(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? kNoRun : runNumber(*found, name);
}

// Reads a list of two positions; empty if the member is missing or null.
std::optional<std::pair<TokenIndex, TokenIndex>> pair(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  const auto fits = [](const json& each) {
    return each.is_number_unsigned() && each.get<std::uint64_t>() <= UINT32_MAX;
  };
  if (!found->is_array() || found->size() != 2 || !fits((*found)[0]) || !fits((*found)[1]))
    failMember(name, "a list of two positions");
  return std::pair{(*found)[0].get<TokenIndex>(), (*found)[1].get<TokenIndex>()};
}

HeadChoice headFrom(const json& object) {
  HeadChoice choice;
  const auto kind = object.find("heads");
  if (kind != object.end()) {
    std::size_t at = 0;
    while (at < kKinds.size() && (!kind->is_string() || kind->get<std::string>() != kKinds[at])) ++at;
    if (at == kKinds.size()) failMember("heads", "head, mean, max, group-mean or group-max");
    choice.kind = static_cast<HeadChoice::Kind>(at);
  }
  choice.index = count(object, "head", 0);
  return choice;
}

trace::Reduction reductionFrom(const json& object) {
  const auto found = object.find("reduction");
  if (found == object.end() || *found == "max") return trace::Reduction::Max;
  if (*found != "mean") failMember("reduction", "mean or max");
  return trace::Reduction::Mean;
}

json number(RunId id) {
  return id == kNoRun || isWhatIf(id) ? json(nullptr) : json(id);
}

}  // namespace

json toJson(const ViewState& state) {
  json object = {{"layer", state.layer.value},
                 {"heads", std::string(kKinds.at(state.head.kind))},
                 {"head", state.head.index},
                 {"reduction", state.reduction == trace::Reduction::Mean ? "mean" : "max"},
                 {"focus", number(state.focus)},
                 {"compare", number(state.compare)},
                 {"step", state.step},
                 {"hidden", state.hidden},
                 {"view", state.view}};
  if (state.cursor) object["cursor"] = {state.cursor->query, state.cursor->key};
  if (state.keys) object["keys"] = {state.keys->begin, state.keys->end};
  return object;
}

ViewState viewStateFrom(const json& object) {
  if (!object.is_object()) failUsage("view: not a JSON object");
  ViewState state;
  state.layer = LayerIndex(std::size_t{count(object, "layer", 0)});
  state.head = headFrom(object);
  state.reduction = reductionFrom(object);
  if (const auto cell = pair(object, "cursor")) state.cursor = Cell{cell->first, cell->second};
  if (const auto range = pair(object, "keys")) state.keys = TokenRange{range->first, range->second};
  state.focus = run(object, "focus");
  state.compare = run(object, "compare");
  state.step = count(object, "step", 0);
  if (const auto hidden = object.find("hidden"); hidden != object.end()) {
    if (!hidden->is_array()) failMember("hidden", "a list of runs");
    for (const json& each : *hidden) state.hidden.insert(runNumber(each, "hidden"));
  }
  if (const auto view = object.find("view"); view != object.end()) {
    if (!view->is_object()) failMember("view", "an object");
    state.view = *view;
  }
  return state;
}

ViewState parseViewState(std::string_view text) {
  const json parsed = parseOrDiscard(text);
  if (parsed.is_discarded()) failUsage("view: not valid JSON");
  return viewStateFrom(parsed);
}

}  // namespace kvatlas::views
