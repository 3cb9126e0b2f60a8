#include "core/policy/ranking.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

std::vector<LayerScores> scoresOf(std::span<const RankedLayer> layers) {
  std::vector<LayerScores> scores;
  for (const RankedLayer& layer : layers) scores.push_back(layer.scores);
  return scores;
}

}  // namespace

RankedLayer rankLayer(const Method& method, LayerScores scores, std::uint32_t depth) {
  RankedLayer ranked{.heads = scores.heads};
  if (method.selects_by_rank) {
    ranked.depth = std::min(depth, scores.candidates);
    ranked.order.reserve(std::size_t{ranked.heads} * ranked.depth);
    for (std::uint32_t head = 0; head < ranked.heads; ++head) {
      const std::vector<TokenIndex> best = rankedPositions(scores.head(head), ranked.depth);
      ranked.order.insert(ranked.order.end(), best.begin(), best.end());
    }
  }
  if (method.allocate_reads_scores || !method.selects_by_rank) ranked.scores = std::move(scores);
  return ranked;
}

RankedDecision decideRanked(const Method& method, const Setting& setting, std::span<const RankedLayer> layers) {
  if (keepsEverything(setting) || (method.score == nullptr && method.facts == nullptr))
    return {decide(method, setting, {}), 0};
  if (layers.size() != setting.shape.layers)
    fail("method '{}' needs {} ranked layers, found {}", method.name, setting.shape.layers, layers.size());
  std::vector<std::uint32_t> capacity =
      allocateLayers(method, setting, method.allocate_reads_scores ? scoresOf(layers) : std::vector<LayerScores>());
  RankedDecision result;
  if (method.reads_pages) {
    result.decision = readsOf(setting, std::move(capacity));
    return result;
  }
  if (method.selects_by_rank) {
    const std::uint32_t most = *std::max_element(capacity.begin(), capacity.end());
    result.needed_depth = most - std::min(setting.recent, most);
    const auto shallow = [&](const RankedLayer& layer) { return layer.depth < result.needed_depth; };
    if (std::any_of(layers.begin(), layers.end(), shallow)) return result;
  }
  const bool few = setting.budget * capacity.size() < (1U << 18);
  result.decision =
      selectLayers(setting, std::move(capacity), few ? 1 : 0,
                   [&](LayerIndex layer, std::span<const std::uint32_t> of_layer, std::span<TokenIndex> out) {
                     selectLayer(method, setting, layer, layers[layer.value], of_layer, out);
                   });
  return result;
}

}  // namespace kvatlas::policy
