#include "core/runs/run_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_depth.h"
#include "core/base/suggest.h"
#include "core/policy/parameters.h"
#include "core/runs/titles.h"

namespace kvatlas::runs {
namespace {

using nlohmann::json;

constexpr const char *kWindow = "window", *kPreset = "preset", *kFollow = "follow";

std::string plainText(const std::string& name, const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  fail("parameter '{}' is neither a text nor a number", name);
}

std::uint32_t windowOf(const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
    fail("window '{}' is not a number of tokens", value.dump(-1, ' ', false, json::error_handler_t::replace));
  return value.get<std::uint32_t>();
}

const policy::ParameterSpec& specOf(const policy::Method& method, std::string_view name) {
  if (const policy::ParameterSpec* spec = policy::findParameter(method, name)) return *spec;
  std::vector<std::string> known;
  for (const policy::ParameterSpec& spec : method.parameters) known.emplace_back(spec.name);
  fail("method '{}' has no parameter '{}'{}", method.name, name, suggestion(name, known));
}

// The parameters named in a label of labelOf(); empty if it is not such a label or contradicts the parameters.
std::optional<policy::MethodRequest> requestInLabel(const trace::RunHeader& run, const Parameters& parameters) {
  const std::string end = " " + run.budget;
  if (!run.label.ends_with(end)) return std::nullopt;
  try {
    policy::MethodRequest request = policy::parseMethod(run.label.substr(0, run.label.size() - end.size()));
    const auto recorded = [&](const auto& given) {
      const auto found = parameters.values.find(given.first);
      return found != parameters.values.end() && found->second == given.second;
    };
    if (request.method->name == run.method && std::ranges::all_of(request.given, recorded)) return request;
  } catch (const Error&) {  // not a label of labelOf()
  }
  return std::nullopt;
}

policy::MethodRequest methodRequestOf(const trace::RunHeader& run, const Parameters& parameters,
                                      policy::Preset preset) {
  policy::MethodRequest request{.method = &policy::composeMethod(run.method, parameters.values), .given = {}};
  for (const auto& [name, value] : parameters.values) {
    const policy::ParameterSpec& spec = specOf(*request.method, name);
    policy::checkParameter(run.method, spec, value);
    if (value != policy::presetValue(spec, preset)) request.given.emplace(name, value);
  }
  // `bits` at its default still says that codes are stored.
  const auto bits = parameters.values.find(policy::kBitsName);
  if (bits != parameters.values.end() && &policy::composeMethod(run.method, request.given) != request.method)
    request.given.insert(*bits);
  auto labelled = requestInLabel(run, parameters);
  const auto named = [&](const auto& given) { return labelled->given.contains(given.first); };
  if (labelled && std::ranges::all_of(request.given, named)) return *std::move(labelled);
  return request;
}

// Prefixes errors of `body` with the run.
template <class Body>
auto naming(const trace::RunHeader& run, const Body& body) {
  try {
    return body();
  } catch (const Error& error) {
    fail("run '{}': {}", run.label.empty() ? run.method : run.label, error.what());
  }
}

RunRequest requestIn(const trace::RunHeader& run, std::uint32_t default_window) {
  const Parameters parameters = parseParameters(run.parameters);
  RunRequest request;
  request.options = {.granularity = parseGranularity(run.granularity),
                     .preset = parameters.preset.value_or(policy::Preset::Exact),
                     .window = parameters.window.value_or(default_window),
                     .follow = parameters.follow};
  request.request = methodRequestOf(run, parameters, request.options.preset);
  return request;
}

}  // namespace

std::string printParameters(const Parameters& parameters) {
  json object = json::object();
  for (const auto& [name, value] : parameters.values) object[name] = value;
  if (parameters.window) object[kWindow] = *parameters.window;
  if (parameters.preset) object[kPreset] = presetName(*parameters.preset);
  if (parameters.follow) object[kFollow] = followName(*parameters.follow);
  return object.dump();
}

Parameters parseParameters(std::string_view text) {
  const json object = parseOrDiscard(text);
  if (!object.is_object()) fail("the parameters are not a JSON object: '{}'", text.substr(0, 80));
  Parameters parameters;
  for (const auto& [name, value] : object.items()) {
    if (name == kWindow)
      parameters.window = windowOf(value);
    else if (name == kPreset)
      parameters.preset = parsePreset(plainText(name, value));
    else if (name == kFollow)
      parameters.follow = parseFollow(plainText(name, value));
    else
      parameters.values.emplace(name, plainText(name, value));
  }
  return parameters;
}

trace::RunHeader headerOf(const RunSetting& run, std::string label) {
  const policy::Setting& setting = run.setting;
  trace::RunHeader header;
  header.method = run.request.method->name;
  header.label = std::move(label);
  header.parameters = printParameters({setting.parameters, setting.window, setting.preset, run.follow});
  header.budget = run.budget.text;
  header.granularity = granularityName(setting.granularity);
  header.budget_nominal = static_cast<double>(setting.budget);
  header.heads = setting.heads();
  header.is_full = run.isFull();
  header.every = run.decidesAgainEvery();
  return header;
}

RunRequest requestOf(const trace::RunHeader& run, std::uint32_t default_window) {
  return naming(run, [&] { return requestIn(run, default_window); });
}

RunSetting settingOf(const trace::RunHeader& run, const policy::Shape& shape, std::uint32_t default_window) {
  return naming(run, [&] {
    const RunRequest request = requestIn(run, default_window);
    return makeRunSetting(request.request, policy::parseBudget(run.budget), shape, request.options);
  });
}

std::string headerProblem(const trace::RunHeader& run) {
  try {
    (void)parseParameters(run.parameters);
    (void)parseGranularity(run.granularity);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::size_t fedBy(const trace::TraceHeader& header, std::size_t run) {
  const trace::RunHeader& recorded = header.runs.at(run);
  return naming(recorded, [&] { return parseParameters(recorded.parameters).follow == Follow::Full ? 0 : run; });
}

}  // namespace kvatlas::runs
