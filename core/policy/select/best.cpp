// The best scores and nothing else: no token is kept for being recent.
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

std::uint32_t recent(const Setting&) {
  return 0;
}

}  // namespace

SelectPart bestSelection() {
  return {.name = "best",
          .meaning = "the best scores, wherever they are",
          .select = selectTopAndRecent,
          .recent = recent,
          .by_rank = true};
}

}  // namespace kvatlas::policy
