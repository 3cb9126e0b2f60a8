// Decisions that evict nothing: the full cache, and any budget that the prompt fits into.
#include "core/base/kept_lists.h"
#include "core/policy/policy.h"

namespace kvatlas::policy {

Decision keepEverything(const Setting& setting) {
  const std::uint32_t tokens = setting.shape.tokens;
  const std::size_t rows = std::size_t{setting.shape.layers} * setting.heads();
  Decision decision{.layers = setting.shape.layers, .heads = setting.heads(), .everything = true};
  decision.capacity.assign(rows, tokens);
  decision.offsets.reserve(rows + 1);
  for (std::uint64_t row = 0; row <= rows; ++row) decision.offsets.push_back(row * tokens);
  decision.positions = everyPosition(tokens);
  return decision;
}

std::span<const TokenIndex> Decision::kept(LayerIndex layer, std::uint32_t head) const {
  return keptList(offsets, positions, everything, std::size_t{layer.value} * heads + head);
}

double Decision::meanKept() const {
  return capacity.empty() ? 0.0 : static_cast<double>(keptTokens()) / static_cast<double>(capacity.size());
}

}  // namespace kvatlas::policy
