#include "views/models/document/keep_rule.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/policy/parameters.h"
#include "core/trace/schema.h"

namespace kvatlas::views {
namespace {

using nlohmann::json;

const policy::Method* known(std::string_view name) {
  for (const policy::Method& method : policy::methods())
    if (method.name == name) return &method;
  return nullptr;
}

json parametersOf(const trace::RunHeader& run) {
  json parameters = json::parse(run.parameters, nullptr, false);
  return parameters.is_object() ? parameters : json::object();
}

std::string plainText(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The recorded values that the method has and accepts.
policy::MethodRequest requestOf(const policy::Method& method, const json& parameters) {
  policy::MethodRequest request{.method = &method, .given = {}};
  for (const policy::ParameterSpec& spec : method.parameters) {
    const auto found = parameters.find(std::string(spec.name));
    if (found == parameters.end()) continue;
    const std::string value = plainText(*found);
    try {
      policy::checkParameter(method.name, spec, value);
      request.given.emplace(spec.name, value);
    } catch (const Error&) {  // a value of another version: the default is the best guess
    }
  }
  return request;
}

std::uint32_t windowOf(const json& parameters, std::uint32_t fallback) {
  const auto found = parameters.find("window");
  return found != parameters.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : fallback;
}

}  // namespace

policy::Shape shapeOf(const trace::ModelInfo& model, std::uint64_t tokens) {
  return {model.layers, model.query_heads, model.kv_heads, static_cast<std::uint32_t>(tokens)};
}

std::optional<KeepRule> keepRuleOf(const trace::RunHeader& run, const policy::Shape& shape,
                                   std::uint32_t default_window) {
  const policy::Method* method = known(run.method);
  if (method == nullptr) return std::nullopt;
  const json parameters = parametersOf(run);
  const bool paper = parameters.value("preset", json("exact")) == json("paper");
  const bool kv = run.granularity == trace::schema::kKvHeadGranularity;
  try {
    return KeepRule{method, policy::makeSetting(requestOf(*method, parameters), shape, policy::parseBudget(run.budget),
                                                kv ? policy::Granularity::KvHead : policy::Granularity::QueryHead,
                                                paper ? policy::Preset::Paper : policy::Preset::Exact,
                                                windowOf(parameters, default_window))};
  } catch (const Error&) {  // a budget no version of this programme would take
    return std::nullopt;
  }
}

std::string_view textOf(policy::Reason reason) {
  switch (reason) {
    case policy::Reason::Evicted:
      return "evicted";
    case policy::Reason::Sink:
      return "sink";
    case policy::Reason::Window:
      return "window";
    case policy::Reason::Score:
      return "score";
    case policy::Reason::Everything:
      break;
  }
  return "everything";
}

}  // namespace kvatlas::views
