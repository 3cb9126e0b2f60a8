// Walks the tokens of the prompt that a run merged into others.
#pragma once

#include <cstdint>
#include <span>

#include "core/trace/records.h"

namespace kvatlas::trace {

// Calls visit(list, position, into) for every token of the prompt that a list gave up when the prompt ended, in the
// order of merged_into; for none where nothing was merged then.
template <class Visit>
void forMergedTokens(const RunRecord& record, std::uint64_t tokens, const Visit& visit) {
  std::size_t next = 0;
  for (std::size_t list = 0; !record.merged_into.empty() && list < record.capacity.size(); ++list) {
    const std::span<const TokenIndex> kept = record.kept(list);
    auto held = kept.begin();
    for (TokenIndex position = 0; position < tokens; ++position) {
      if (held != kept.end() && *held == position)
        ++held;
      else
        visit(list, position, record.merged_into[next++]);
    }
  }
}

}  // namespace kvatlas::trace
