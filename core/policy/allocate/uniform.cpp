// The same number of tokens for every head of every layer.
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {

AllocatePart uniformAllocation() {
  return {.name = "uniform", .meaning = "every head keeps the budget", .allocate = allocateUniform};
}

}  // namespace kvatlas::policy
