#include "core/policy/signal_parameters.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace kvatlas::policy {

SignalParameters signalParameters(const Method& method, const Setting& setting) {
  SignalParameters parameters;
  for (const Signal signal : method.needs.members()) {
    if (!infoOf(signal).onDemand()) continue;
    for (const ParameterSpec& spec : method.parameters)
      if (spec.of_signal)
        parameters.emplace(nameOf(signal) + "." + std::string(spec.name), setting.parameters.find(spec.name)->second);
  }
  return parameters;
}

void joinSignalParameters(SignalParameters& all, const Method& method, const Setting& setting) {
  for (const auto& [name, value] : signalParameters(method, setting)) {
    const auto [known, added] = all.emplace(name, value);
    if (added || known->second == value) continue;
    const std::string parameter = name.substr(name.find('.') + 1);
    failUsage("method '{}': {}={} and {}={} cannot be in one capture, which measures '{}' once", method.name, parameter,
              known->second, parameter, value, name.substr(0, name.find('.')));
  }
}

std::string printSignalParameters(const SignalParameters& parameters) {
  return nlohmann::json(parameters).dump();
}

SignalParameters parseSignalParameters(std::string_view text) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  SignalParameters parameters;
  if (!object.is_object()) fail("the signals' parameters are not a JSON object: '{}'", text.substr(0, 80));
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) fail("the signals' parameter '{}' is not a text", name.substr(0, 80));
    parameters.emplace(name, value.get<std::string>());
  }
  return parameters;
}

}  // namespace kvatlas::policy
