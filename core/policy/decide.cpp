// score → allocate → select over a whole prompt, and why a position was kept.
#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "core/base/error.h"
#include "core/policy/policy.h"
#include "kernels/parallel.h"

namespace kvatlas::policy {
namespace {

using KeptOfLayer = std::vector<TokenIndex>;  // the heads' lists one after another

bool keepsEverything(const Setting& setting) {
  return setting.budget >= setting.shape.tokens;
}

LayerScores scoreLayer(const Method& method, const Setting& setting, std::span<const LayerSignals> layers,
                       std::size_t layer) {
  return method.score(setting, LayerIndex(layer), method.needs.empty() ? LayerSignals{} : layers[layer]);
}

KeptOfLayer selectLayer(const Method& method, const Setting& setting, LayerIndex layer, const LayerScores& scores,
                        std::span<const std::uint32_t> capacity) {
  KeptOfLayer kept;
  for (std::uint32_t head = 0; head < capacity.size(); ++head) {
    const auto head_scores = scores.values.empty() ? std::span<const float>() : scores.head(head);
    const auto positions = method.select(setting, layer, head_scores, capacity[head]);
    if (positions.size() != capacity[head])
      throw std::logic_error("a method selected another number than its capacity");
    kept.insert(kept.end(), positions.begin(), positions.end());
  }
  return kept;
}

Decision assemble(const Setting& setting, std::vector<std::uint32_t> capacity, std::vector<KeptOfLayer> kept) {
  Decision decision;
  decision.layers = setting.shape.layers;
  decision.heads = setting.heads();
  decision.capacity = std::move(capacity);
  decision.offsets.resize(decision.capacity.size() + 1, 0);
  std::inclusive_scan(decision.capacity.begin(), decision.capacity.end(), decision.offsets.begin() + 1, std::plus<>(),
                      std::uint64_t{0});
  decision.positions.reserve(decision.offsets.back());
  for (KeptOfLayer& layer : kept) {
    decision.positions.insert(decision.positions.end(), layer.begin(), layer.end());
    layer = {};
  }
  return decision;
}

}  // namespace

Decision decide(const Method& method, const Setting& setting, std::span<const LayerSignals> layers) {
  const std::size_t count = setting.shape.layers, heads = setting.heads();
  if (keepsEverything(setting)) return keepEverything(setting);
  if (!method.needs.empty() && layers.size() != count)
    fail("method '{}' needs the signal '{}' of all {} layers, {} are there", method.name, method.needs, count,
         layers.size());
  std::vector<LayerScores> scores(method.allocate_reads_scores ? count : 0);
  for (std::size_t layer = 0; layer < scores.size(); ++layer)
    scores[layer] = scoreLayer(method, setting, layers, layer);
  std::vector<std::uint32_t> capacity = method.allocate(setting, scores);
  std::vector<KeptOfLayer> kept(count);
  // Small prompts are decided faster than threads start.
  const unsigned threads = std::uint64_t{setting.shape.tokens} * heads * count < (1U << 20) ? 1 : 0;
  kernels::parallelFor(count, threads, [&](std::size_t layer, unsigned) {
    kept[layer] = selectLayer(method, setting, LayerIndex(layer),
                              scores.empty() ? scoreLayer(method, setting, layers, layer) : scores[layer],
                              std::span(capacity).subspan(layer * heads, heads));
  });
  return assemble(setting, std::move(capacity), std::move(kept));
}

Reason reasonFor(const Method& method, const Setting& setting, TokenIndex position, bool kept) {
  if (!kept) return Reason::Evicted;
  if (keepsEverything(setting)) return Reason::Everything;
  if (method.reason != nullptr) return method.reason(setting, position);
  return position >= setting.shape.tokens - std::min(setting.window, setting.shape.tokens) ? Reason::Window
                                                                                           : Reason::Score;
}

}  // namespace kvatlas::policy
