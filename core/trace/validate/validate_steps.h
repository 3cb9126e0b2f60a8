// Checks the values a run has per generated token; part of validate(). No HDF5.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::trace {

// What the steps of every run are compared with.
struct Reference {
  std::optional<TokenId> first;                  // argmax of the prompt's next_logits; empty: not recorded
  std::optional<std::vector<TokenId>> full_ids;  // tokens of the full cache; empty: not recorded
};

// The token of the highest logit, the lowest of equal ones; empty where one of them is not finite.
[[nodiscard]] std::optional<TokenId> argmaxOf(const std::vector<float>& logits);

// Calls add(member below the run, problem) for each member that cannot be: ids, text, offsets, KL, retained and oracle
// mass, bytes, seconds.
void checkSteps(const TraceHeader& header, const RunHeader& run, const RunRecord& record, const Reference& reference,
                const std::function<void(const std::string&, const std::string&)>& add);

}  // namespace kvatlas::trace
