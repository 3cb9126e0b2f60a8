// Every head keeps the whole prompt.
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores>) {
  return std::vector<std::uint32_t>(std::size_t{setting.shape.layers} * setting.heads(), setting.shape.tokens);
}

}  // namespace

AllocatePart everythingAllocation() {
  return {.name = "everything", .meaning = "the whole prompt", .allocate = allocate};
}

}  // namespace kvatlas::policy
