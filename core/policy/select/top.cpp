// The best scores and the last W tokens.
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {

SelectPart topSelection() {
  return {.name = "top",
          .meaning = "the best scores, and the last W tokens",
          .select = selectTopAndRecent,
          .by_rank = true};
}

}  // namespace kvatlas::policy
