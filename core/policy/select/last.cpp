// The best scores and the last token.
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

std::uint32_t recent(const Setting&) {
  return 1;
}

}  // namespace

SelectPart lastSelection() {
  return {.name = "last",
          .meaning = "the best scores, and the last token",
          .select = selectTopAndRecent,
          .recent = recent,
          .by_rank = true};
}

}  // namespace kvatlas::policy
