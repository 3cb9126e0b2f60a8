#include "core/cache/redecider.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "core/policy/parameters.h"
#include "kernels/parallel.h"

namespace kvatlas::cache {

Redecider::Redecider(const policy::Method& method, const policy::Setting& setting, const policy::Decision& decision,
                     const HeldTokens& held, std::span<const LayerSignals> prompt)
    : m_method(method),
      m_setting(setting),
      m_capacity(decision.everything ? std::vector<std::uint32_t>() : decision.capacity),
      m_every(policy::everyOf(setting.parameters)),
      m_signals(method.needs, setting.shape.query_heads, setting.window, held, prompt) {
  if (m_every == 0) throw std::logic_error("a method that decides once is asked to decide again");
}

std::vector<std::uint32_t> Redecider::capacityOf(const HeldTokens& held) const {
  if (!m_capacity.empty()) return m_capacity;
  policy::Setting now = m_setting;
  now.shape.tokens = held.nextPosition();
  return policy::allocateLayers(m_method, now, {});
}

ListRows Redecider::rowsToEvict(const HeldTokens& held, unsigned threads) const {
  const std::vector<std::uint32_t> capacity = capacityOf(held);
  const std::uint32_t heads = held.heads();
  ListRows rows(capacity.size());
  kernels::parallelFor(held.layers(), threads, [&](std::size_t layer, unsigned) {
    evictionsOf(LayerIndex(layer), held, std::span(capacity).subspan(layer * heads, heads),
                std::span(rows).subspan(layer * heads, heads));
  });
  const bool none = std::ranges::all_of(rows, [](const auto& list) { return list.empty(); });
  return none ? ListRows() : rows;
}

// A score that reads no signal belongs to positions: it is taken at those that are held. Else each row is a column.
policy::LayerScores Redecider::scoresOf(LayerIndex layer, const HeldTokens& held, std::uint32_t rows) const {
  policy::Setting now = m_setting;
  if (m_method.score == nullptr) return {};
  if (!m_method.needs.empty()) {
    now.shape.tokens = rows;
    const SignalValues signals = m_signals.of(layer);
    return policy::scoreLayer(m_method, now, layer, viewOf(signals));
  }
  now.shape.tokens = held.nextPosition();
  const policy::LayerScores all = policy::scoreLayer(m_method, now, layer, {});
  // The tokens behind the candidates are always kept, so they are the last rows of every list.
  policy::LayerScores scores{.heads = all.heads, .candidates = rows - (now.shape.tokens - all.candidates)};
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const HeldList list = held.list(layer, head);
    for (std::uint32_t row = 0; row < scores.candidates; ++row) scores.values.push_back(all.head(head)[list[row]]);
  }
  return scores;
}

void Redecider::evictionsOf(LayerIndex layer, const HeldTokens& held, std::span<const std::uint32_t> capacity,
                            std::span<std::vector<std::uint32_t>> out) const {
  const std::uint32_t rows = held.list(layer, 0).size();
  std::vector<std::uint32_t> kept_rows;
  for (std::uint32_t head = 0; head < held.heads(); ++head) {
    if (held.list(layer, head).size() != rows) throw std::logic_error("lists of one layer differ in length");
    kept_rows.push_back(std::min(capacity[head], rows));
  }
  if (std::ranges::all_of(kept_rows, [&](std::uint32_t kept) { return kept == rows; })) return;
  policy::Setting now = m_setting;
  now.shape.tokens = rows;
  std::vector<TokenIndex> kept(std::accumulate(kept_rows.begin(), kept_rows.end(), std::size_t{0}));
  policy::selectLayer(m_method, now, layer, {.scores = scoresOf(layer, held, rows)}, kept_rows, kept);
  auto next = kept.begin();
  for (std::uint32_t head = 0; head < held.heads(); ++head) {
    const auto end = next + kept_rows[head];
    for (std::uint32_t row = 0; row < rows; ++row) {
      if (next != end && *next == row)
        ++next;
      else
        out[head].push_back(row);
    }
  }
}

void Redecider::evict(std::uint32_t step, const ListRows& rows, HeldTokens& held) {
  const EvictionReason reason = m_method.score == nullptr ? EvictionReason::LeftWindow : EvictionReason::LowScore;
  for (std::size_t list = 0; list < rows.size(); ++list) {
    if (rows[list].empty()) continue;
    const LayerIndex layer(list / held.heads());
    const auto head = static_cast<std::uint32_t>(list % held.heads());
    m_signals.erase(layer, head, rows[list]);
    held.evict(step, layer, head, rows[list], reason);
  }
}

}  // namespace kvatlas::cache
