// A run's header in a trace, written from its setting and read back; knows records, no file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/runs/run_setting.h"
#include "core/trace/records.h"

namespace kvatlas::runs {

// RunHeader::parameters: a JSON object of the method's parameters, "window", "preset" and, where a run generates,
// "follow".
struct Parameters {
  std::map<std::string, std::string, std::less<>> values;  // of the method
  std::optional<std::uint32_t> window;                     // empty where the text has none
  std::optional<policy::Preset> preset;
  std::optional<Follow> follow;
};
[[nodiscard]] std::string printParameters(const Parameters& parameters);
// Error that names what is broken: the text, a value, a preset or follow that is unknown.
[[nodiscard]] Parameters parseParameters(std::string_view json);

[[nodiscard]] trace::RunHeader headerOf(const RunSetting& run, std::string label);

// What a recorded run was asked with. Parameters that a trace lacks are the preset's, its window is `default_window`.
// Error that names the run and what it was recorded with that is unknown or out of range.
[[nodiscard]] RunSetting settingOf(const trace::RunHeader& run, const policy::Shape& shape,
                                   std::uint32_t default_window);
// The same without a prompt, so that its budget is not checked.
struct RunRequest {
  policy::MethodRequest request;  // given: those the label names, else those that differ from the preset's
  RunOptions options;
};
[[nodiscard]] RunRequest requestOf(const trace::RunHeader& run, std::uint32_t default_window);

// What is wrong with the parameters or the granularity of a recorded run, whatever its method; empty for nothing.
[[nodiscard]] std::string headerProblem(const trace::RunHeader& run);

// The run whose choices stand at positions N, N + 1, … of `run`: itself, or the full cache's, run 0 (Follow::Full).
[[nodiscard]] std::size_t fedBy(const trace::TraceHeader& header, std::size_t run);

}  // namespace kvatlas::runs
