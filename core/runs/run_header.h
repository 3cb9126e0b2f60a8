// Converts a run's setting to its header in a trace and back.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/runs/run_setting.h"
#include "core/trace/records.h"

namespace kvatlas::runs {

// RunHeader::parameters: a JSON object of the method's parameters, "window", "preset" and, if the run generates,
// "follow".
struct Parameters {
  std::map<std::string, std::string, std::less<>> values;  // of the method
  std::optional<std::uint32_t> window;                     // empty if the text has none
  std::optional<policy::Preset> preset;
  std::optional<Follow> follow;
};
[[nodiscard]] std::string printParameters(const Parameters& parameters);
// Error naming the culprit: the text, a value, an unknown preset or follow mode.
[[nodiscard]] Parameters parseParameters(std::string_view json);

[[nodiscard]] trace::RunHeader headerOf(const RunSetting& run, std::string label);

// The setting of a recorded run. Parameters missing in the trace get the preset's values, a missing window
// `default_window`. Error naming the run and the unknown or out-of-range value.
[[nodiscard]] RunSetting settingOf(const trace::RunHeader& run, const policy::Shape& shape,
                                   std::uint32_t default_window);
// The same without a prompt, so the budget is not checked.
struct RunRequest {
  policy::MethodRequest request;  // given: those the label names, else those that differ from the preset's
  RunOptions options;
};
[[nodiscard]] RunRequest requestOf(const trace::RunHeader& run, std::uint32_t default_window);

// A problem of a recorded run's parameters or granularity, for any method; empty if there is none.
[[nodiscard]] std::string headerProblem(const trace::RunHeader& run);

// The run whose tokens `run` was fed at positions N, N + 1, …: itself, or the full cache, run 0 (Follow::Full).
[[nodiscard]] std::size_t fedBy(const trace::TraceHeader& header, std::size_t run);

}  // namespace kvatlas::runs
