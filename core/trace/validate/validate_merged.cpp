#include "core/trace/validate/validate_merged.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/trace/merged_tokens.h"
#include "core/trace/schema.h"
#include "core/trace/validate/validate_evicted.h"

namespace kvatlas::trace {
namespace {

std::optional<std::string> promptProblem(const TraceHeader& header, const RunHeader& run, const RunRecord& record) {
  std::optional<std::string> problem;
  forMergedTokens(record, header.prompt.ids.size(), [&](std::size_t list, TokenIndex position, TokenIndex into) {
    if (!problem && into != kNoToken && !std::ranges::binary_search(record.kept(list), into))
      problem = fmt::format("position {} went into {}, which is not kept (layer {}, head {})", position, into,
                            list / run.heads, list % run.heads);
  });
  return problem;
}

std::optional<std::string> evictedProblem(const TraceHeader& header, const RunHeader& run, const RunRecord& record) {
  const EvictionTimes times(record);
  for (std::size_t i = 0; i < record.evicted_into.size(); ++i) {
    const TokenIndex into = record.evicted_into[i];
    const Eviction& one = record.evicted[i];
    if (into == kNoToken || one.layer >= header.model.layers || one.head >= run.heads) continue;
    const auto gone = times.stepOf(one.layer, one.head, into);
    const bool of_prompt = into < header.prompt.ids.size();
    const bool was_there =
        of_prompt ? std::ranges::binary_search(record.kept(std::size_t{one.layer} * run.heads + one.head), into)
                  : into < header.prompt.firstGenerated() + one.step;
    if (!was_there || (gone && *gone <= one.step))
      return fmt::format("position {} is not held after step {} (layer {}, head {})", into, one.step, one.layer,
                         one.head);
  }
  return std::nullopt;
}

}  // namespace

std::optional<MergedProblem> mergedProblem(const TraceHeader& header, const RunHeader& run, const RunRecord& record) {
  if (auto problem = promptProblem(header, run, record)) return MergedProblem{schema::member::kMergedInto, *problem};
  if (auto problem = evictedProblem(header, run, record)) return MergedProblem{schema::member::kEvictedInto, *problem};
  return std::nullopt;
}

}  // namespace kvatlas::trace
