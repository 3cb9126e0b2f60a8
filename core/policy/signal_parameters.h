// Parameters of methods that change what a signal measures: a capture measures each signal once, for one set of them.
#pragma once

#include <map>
#include <string>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// "lag_score.lag" → "128".
using SignalParameters = ParameterValues;

[[nodiscard]] SignalParameters signalParameters(const Method& method, const Setting& setting);
// Adds them to `all`. UsageError naming both values where another run of the capture measures with a different one.
void joinSignalParameters(SignalParameters& all, const Method& method, const Setting& setting);

// {"lag_score.lag":"128"} and back. Error naming the text if it is no such object.
[[nodiscard]] std::string printSignalParameters(const SignalParameters& parameters);
[[nodiscard]] SignalParameters parseSignalParameters(std::string_view json);

}  // namespace kvatlas::policy
