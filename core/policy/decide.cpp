// Decides over a whole prompt from its signals, and explains why a position was kept.
#include <algorithm>

#include "core/base/error.h"
#include "core/policy/layer_decision.h"

namespace kvatlas::policy {

Decision decide(const Method& method, const Setting& setting, std::span<const LayerSignals> layers) {
  const std::size_t count = setting.shape.layers;
  if (keepsEverything(setting)) return keepEverything(setting);
  if (!method.needs.empty() && layers.size() != count)
    fail("method '{}' needs the signal {} of all {} layers, found {}", method.name, quoted(method.needs), count,
         layers.size());
  const auto scoreOf = [&](LayerIndex layer) {
    return scoreLayer(method, setting, layer, method.needs.empty() ? LayerSignals{} : layers[layer.value]);
  };
  std::vector<LayerScores> scores(method.allocate_reads_scores ? count : 0);
  for (std::size_t layer = 0; layer < scores.size(); ++layer) scores[layer] = scoreOf(LayerIndex(layer));
  std::vector<std::uint32_t> capacity = allocateLayers(method, setting, scores);
  if (method.reads_pages) return readsOf(setting, std::move(capacity));
  // Small prompts are decided faster than threads start.
  const unsigned threads = std::uint64_t{setting.shape.tokens} * setting.heads() * count < (1U << 20) ? 1 : 0;
  return selectLayers(
      setting, std::move(capacity), threads,
      [&](LayerIndex layer, std::span<const std::uint32_t> of_layer, std::span<TokenIndex> out) {
        const RankedLayer scored{.scores = scores.empty() ? scoreOf(layer) : std::move(scores[layer.value])};
        selectLayer(method, setting, layer, scored, of_layer, out);
      });
}

Reason reasonFor(const Method& method, const Setting& setting, TokenIndex position, bool kept) {
  if (!kept) return Reason::Evicted;
  if (keepsEverything(setting)) return Reason::Everything;
  if (method.reason != nullptr) return method.reason(setting, position);
  return position >= setting.shape.tokens - std::min(setting.recent, setting.shape.tokens) ? Reason::Window
                                                                                           : Reason::Score;
}

}  // namespace kvatlas::policy
