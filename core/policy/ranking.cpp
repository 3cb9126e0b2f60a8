#include "core/policy/ranking.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "core/base/error.h"
#include "core/policy/selection.h"
#include "kernels/parallel.h"

namespace kvatlas::policy {
namespace {

std::uint32_t windowOf(const Setting& setting, std::uint32_t capacity) {
  return std::min(setting.window, capacity);
}

// A set of positions that gives them back ascending: cheaper than sorting them.
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

void selectByRank(const Setting& setting, const RankedLayer& ranked, std::span<const std::uint32_t> capacity,
                  TokenIndex* out) {
  PositionSet set(setting.shape.tokens);
  for (std::size_t head = 0; head < capacity.size(); ++head) {
    const std::uint32_t window = windowOf(setting, capacity[head]), best = capacity[head] - window;
    set.writeAscending(std::span(ranked.order).subspan(head * ranked.depth, best), out);
    std::iota(out + best, out + capacity[head], setting.shape.tokens - window);
    out += capacity[head];
  }
}

void selectByMethod(const Method& method, const Setting& setting, LayerIndex layer, const RankedLayer& ranked,
                    std::span<const std::uint32_t> capacity, TokenIndex* out) {
  for (std::uint32_t head = 0; head < capacity.size(); ++head) {
    const auto scores = ranked.scores.values.empty() ? std::span<const float>() : ranked.scores.head(head);
    const std::vector<TokenIndex> kept = method.select(setting, layer, scores, capacity[head]);
    out = std::copy(kept.begin(), kept.end(), out);
  }
}

std::vector<std::uint32_t> capacitiesOf(const Method& method, const Setting& setting,
                                        std::span<const RankedLayer> layers) {
  std::vector<LayerScores> scores;
  if (method.allocate_reads_scores)
    for (const RankedLayer& layer : layers) scores.push_back(layer.scores);
  std::vector<std::uint32_t> capacity = method.allocate(setting, scores);
  for (std::uint32_t& each : capacity) each = std::min(each, setting.shape.tokens);
  return capacity;
}

}  // namespace

bool selectsByRank(const Method& method) {
  return method.select == selectTopAndWindow;
}

RankedLayer rankLayer(const Method& method, LayerScores scores, std::uint32_t depth) {
  RankedLayer ranked{.heads = scores.heads};
  if (selectsByRank(method)) {
    ranked.depth = std::min(depth, scores.candidates);
    ranked.order.reserve(std::size_t{ranked.heads} * ranked.depth);
    for (std::uint32_t head = 0; head < ranked.heads; ++head) {
      const std::vector<TokenIndex> best = rankedPositions(scores.head(head), ranked.depth);
      ranked.order.insert(ranked.order.end(), best.begin(), best.end());
    }
  }
  if (method.allocate_reads_scores || !selectsByRank(method)) ranked.scores = std::move(scores);
  return ranked;
}

RankedDecision decideRanked(const Method& method, const Setting& setting, std::span<const RankedLayer> layers) {
  if (setting.budget >= setting.shape.tokens || method.needs.empty()) return {decide(method, setting, {}), 0};
  const std::size_t heads = setting.heads();
  if (layers.size() != setting.shape.layers)
    fail("method '{}' is decided over {} layers, {} are ranked", method.name, setting.shape.layers, layers.size());
  Decision decision{.layers = setting.shape.layers, .heads = setting.heads()};
  decision.capacity = capacitiesOf(method, setting, layers);
  RankedDecision result;
  if (selectsByRank(method)) {
    const std::uint32_t most = *std::max_element(decision.capacity.begin(), decision.capacity.end());
    result.needed_depth = most - windowOf(setting, most);
    const auto shallow = [&](const RankedLayer& layer) { return layer.depth < result.needed_depth; };
    if (std::any_of(layers.begin(), layers.end(), shallow)) return result;
  }
  decision.offsets.resize(decision.capacity.size() + 1, 0);
  std::inclusive_scan(decision.capacity.begin(), decision.capacity.end(), decision.offsets.begin() + 1, std::plus<>(),
                      std::uint64_t{0});
  decision.positions.resize(decision.offsets.back());
  kernels::parallelFor(layers.size(), decision.positions.size() < (1U << 18) ? 1 : 0, [&](std::size_t layer, unsigned) {
    const auto capacity = std::span(decision.capacity).subspan(layer * heads, heads);
    TokenIndex* out = decision.positions.data() + decision.offsets[layer * heads];
    if (selectsByRank(method)) {
      selectByRank(setting, layers[layer], capacity, out);
    } else {
      selectByMethod(method, setting, LayerIndex(layer), layers[layer], capacity, out);
    }
  });
  result.decision = std::move(decision);
  return result;
}

}  // namespace kvatlas::policy
