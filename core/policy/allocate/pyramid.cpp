// Budgets that shrink from the first layer to the last (PyramidKV, Cai et al., arXiv:2406.02069).
#include "core/policy/allocation.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kBetaParameter};

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores>) {
  return everyHead(setting, pyramidPerLayer(setting));
}

}  // namespace

AllocatePart pyramidAllocation() {
  return {.name = "pyramid",
          .meaning = "less in each layer than in the one before",
          .parameters = kParameters,
          .allocate = allocate};
}

}  // namespace kvatlas::policy
