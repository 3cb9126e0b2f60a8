// One ranking over all heads of all layers: a head gets as many tokens as it has among the best scores of the model
// (KVzip, Kim et al., arXiv:2505.23416).
#include <algorithm>

#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

// No head is left with nothing at all.
void fillEmpty(std::vector<std::uint32_t>& capacity) {
  for (std::uint32_t& head : capacity) {
    if (head > 0) continue;
    --*std::ranges::max_element(capacity);
    ++head;
  }
}

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores> scores) {
  const std::size_t lists = std::size_t{setting.shape.layers} * setting.heads();
  const auto recent = static_cast<std::uint32_t>(std::min<std::uint64_t>(setting.recent, setting.budget));
  std::vector<float> all;
  for (const LayerScores& layer : scores) all.insert(all.end(), layer.values.begin(), layer.values.end());
  std::vector<std::uint32_t> capacity(lists, recent);
  const std::size_t candidates = all.size() / lists;
  for (const TokenIndex place : topPositions(all, (setting.budget - recent) * lists)) ++capacity[place / candidates];
  fillEmpty(capacity);
  return capacity;
}

}  // namespace

AllocatePart globalAllocation() {
  return {.name = "global",
          .meaning = "the heads of all layers share the budget by their scores",
          .allocate = allocate,
          .reads_scores = true};
}

}  // namespace kvatlas::policy
