#include "core/trace/generated_tokens.h"

#include <nlohmann/json.hpp>

namespace kvatlas::trace {

std::size_t fedBy(const TraceHeader& header, std::size_t run) {
  const auto parameters = nlohmann::json::parse(header.runs.at(run).parameters, nullptr, false);
  if (!parameters.is_object()) return run;
  const auto follow = parameters.find("follow");
  return follow != parameters.end() && *follow == "full" ? 0 : run;
}

std::string_view generatedText(const RunRecord& run, std::size_t index) {
  const auto& offsets = run.decode_offsets;
  if (index + 1 >= offsets.size() || offsets[index] > offsets[index + 1] || offsets[index + 1] > run.decode_text.size())
    return {};
  return std::string_view(run.decode_text).substr(offsets[index], offsets[index + 1] - offsets[index]);
}

}  // namespace kvatlas::trace
