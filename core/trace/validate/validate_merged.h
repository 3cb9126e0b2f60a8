// Checks where a run that merges says its evicted tokens went.
#pragma once

#include <optional>
#include <string>

#include "core/trace/records.h"

namespace kvatlas::trace {

struct MergedProblem {
  const char* member;
  std::string problem;
};
// Every target is a position that the list holds: of the prompt's when it ended, of a step's after that step. The
// record has passed checkRunRecord() and its kept positions are ascending.
[[nodiscard]] std::optional<MergedProblem> mergedProblem(const TraceHeader& header, const RunHeader& run,
                                                         const RunRecord& record);

}  // namespace kvatlas::trace
