#include "core/policy/layer_decision.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>

#include "core/base/error.h"
#include "kernels/parallel.h"

namespace kvatlas::policy {
namespace {

// A set of positions that lists them in ascending order; cheaper than sorting.
class PositionSet {
 public:
  explicit PositionSet(std::size_t positions) : m_words((positions + 63) / 64) {}

  void writeAscending(std::span<const TokenIndex> positions, TokenIndex* out) {
    std::fill(m_words.begin(), m_words.end(), 0);
    for (const TokenIndex position : positions) m_words[position / 64] |= std::uint64_t{1} << (position % 64);
    for (std::size_t word = 0; word < m_words.size(); ++word)
      for (std::uint64_t bits = m_words[word]; bits != 0; bits &= bits - 1)
        *out++ = static_cast<TokenIndex>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
  }

 private:
  std::vector<std::uint64_t> m_words;
};

void selectByOrder(const Setting& setting, const RankedLayer& ranked, std::span<const std::uint32_t> capacity,
                   TokenIndex* out) {
  PositionSet set(setting.shape.tokens);
  for (std::size_t head = 0; head < capacity.size(); ++head) {
    const std::uint32_t recent = std::min(setting.recent, capacity[head]), best = capacity[head] - recent;
    if (best > ranked.depth) throw std::logic_error("a layer's order is shorter than its capacity");
    set.writeAscending(std::span(ranked.order).subspan(head * ranked.depth, best), out);
    std::iota(out + best, out + capacity[head], setting.shape.tokens - recent);
    out += capacity[head];
  }
}

void selectByScores(const Method& method, const Setting& setting, LayerIndex layer, const LayerScores& scores,
                    std::span<const std::uint32_t> capacity, TokenIndex* out) {
  for (std::uint32_t head = 0; head < capacity.size(); ++head) {
    const auto head_scores = scores.values.empty() ? std::span<const float>() : scores.head(head);
    const std::vector<TokenIndex> kept = method.select(setting, layer, head_scores, capacity[head]);
    if (kept.size() != capacity[head]) throw std::logic_error("a method selected a different number than its capacity");
    out = std::copy(kept.begin(), kept.end(), out);
  }
}

// Only the signals that the method declared, so that it cannot read one that other callers do not provide.
LayerSignals neededSignals(const Method& method, const Setting& setting, LayerIndex layer,
                           const LayerSignals& of_layer) {
  const Shape& shape = setting.shape;
  const SignalShape sizes{shape.query_heads, shape.kv_heads, shape.tokens, std::min(setting.window, shape.tokens)};
  LayerSignals needed;
  for (const Signal signal : method.needs.members()) {
    const std::size_t expected = valueCount(infoOf(signal), sizes);
    if (of_layer[signal].size() != expected)
      fail("layer {}: the signal '{}' is not recorded ({} values, {} expected)", layer.value, nameOf(signal),
           of_layer[signal].size(), expected);
    needed[signal] = of_layer[signal];
  }
  return needed;
}

}  // namespace

bool keepsEverything(const Setting& setting) {
  return setting.budget >= setting.shape.tokens;
}

Decision readsOf(const Setting& setting, std::vector<std::uint32_t> capacity) {
  Decision decision = keepEverything(setting);
  decision.reads = std::move(capacity);
  return decision;
}

LayerScores scoreLayer(const Method& method, const Setting& setting, LayerIndex layer, const LayerSignals& of_layer) {
  if (method.score == nullptr && method.facts == nullptr) return {};
  const LayerSignals signals = neededSignals(method, setting, layer, of_layer);
  LayerScores scores = method.score == nullptr ? LayerScores() : method.score(setting, layer, signals);
  if (method.weigh != nullptr) method.weigh(setting, signals, scores);
  if (method.finish != nullptr) method.finish(setting, scores);
  if (method.reshape != nullptr) method.reshape(setting, layer, scores);
  if (method.facts != nullptr) scores.facts = method.facts(setting, layer, signals);
  return scores;
}

std::vector<std::uint32_t> allocateLayers(const Method& method, const Setting& setting,
                                          std::span<const LayerScores> scores) {
  const std::size_t rows = std::size_t{setting.shape.layers} * setting.heads();
  if (keepsEverything(setting)) return std::vector<std::uint32_t>(rows, setting.shape.tokens);
  if (method.allocate_reads_scores && scores.size() != setting.shape.layers)
    fail("method '{}' allocates by the scores of all {} layers, found {}", method.name, setting.shape.layers,
         scores.size());
  std::vector<std::uint32_t> capacity =
      method.allocate(setting, method.allocate_reads_scores ? scores : std::span<const LayerScores>());
  if (capacity.size() != rows) throw std::logic_error("a method allocated for a different number of heads");
  for (std::uint32_t& each : capacity) each = std::min(each, setting.shape.tokens);
  return capacity;
}

void selectLayer(const Method& method, const Setting& setting, LayerIndex layer, const RankedLayer& ranked,
                 std::span<const std::uint32_t> capacity, std::span<TokenIndex> out) {
  if (out.size() != std::accumulate(capacity.begin(), capacity.end(), std::size_t{0}))
    throw std::logic_error("a layer's positions do not match its capacities");
  if (!ranked.order.empty())
    selectByOrder(setting, ranked, capacity, out.data());
  else
    selectByScores(method, setting, layer, ranked.scores, capacity, out.data());
}

Decision selectLayers(const Setting& setting, std::vector<std::uint32_t> capacity, unsigned threads,
                      const LayerSelection& select) {
  Decision decision{.layers = setting.shape.layers, .heads = setting.heads()};
  const std::size_t heads = decision.heads;
  decision.capacity = std::move(capacity);
  decision.offsets.resize(decision.capacity.size() + 1, 0);
  std::inclusive_scan(decision.capacity.begin(), decision.capacity.end(), decision.offsets.begin() + 1, std::plus<>(),
                      std::uint64_t{0});
  decision.positions.resize(decision.offsets.back());
  kernels::parallelFor(decision.layers, threads, [&](std::size_t layer, unsigned) {
    const std::uint64_t first = decision.offsets[layer * heads], last = decision.offsets[(layer + 1) * heads];
    select(LayerIndex(layer), std::span(decision.capacity).subspan(layer * heads, heads),
           std::span(decision.positions).subspan(first, last - first));
  });
  return decision;
}

}  // namespace kvatlas::policy
