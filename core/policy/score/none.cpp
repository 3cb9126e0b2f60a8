// No score: positions alone decide.
#include "core/policy/rows.h"

namespace kvatlas::policy {

ScorePart noneScore() {
  return {.name = "none", .meaning = "positions alone decide"};
}

}  // namespace kvatlas::policy
