#include "core/cache/redecider.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "core/policy/parameters.h"
#include "core/policy/selection.h"
#include "kernels/parallel.h"

namespace kvatlas::cache {

struct Redecider::Lists {
  LayerIndex layer;
  std::uint32_t first = 0, count = 0;
  std::uint32_t rows = 0;  // of each, without the question's
};

Redecider::Redecider(const policy::Method& method, const policy::Setting& setting, const policy::Decision& decision,
                     const HeldTokens& held, std::span<const LayerSignals> prompt)
    : m_method(method),
      m_setting(setting),
      m_capacity(decision.everything ? std::vector<std::uint32_t>() : decision.capacity),
      m_every(policy::everyOf(setting.parameters)),
      m_signals(policy::commonOf(method.needs, policy::kSignalsWhileDecoding), setting.shape.query_heads,
                setting.window, held, prompt) {
  if (m_every == 0) throw std::logic_error("a method that decides once is asked to decide again");
}

std::vector<std::uint32_t> Redecider::capacityOf(const HeldTokens& held) const {
  if (!m_capacity.empty()) return m_capacity;
  policy::Setting now = m_setting;
  now.shape.tokens = held.nextPosition() - held.questionTokens();
  // Scores of the prompt are gone: heads that share a layer's budget by them get equal shares.
  return m_method.allocate_reads_scores ? policy::allocateUniform(now, {}) : policy::allocateLayers(m_method, now, {});
}

ListRows Redecider::rowsToEvict(const HeldTokens& held, unsigned threads, const EntrySignals& entries) const {
  const std::vector<std::uint32_t> capacity = capacityOf(held);
  const std::uint32_t heads = held.heads();
  ListRows rows(capacity.size());
  kernels::parallelFor(held.layers(), threads, [&](std::size_t layer, unsigned) {
    evictionsOf(LayerIndex(layer), held, entries, std::span(capacity).subspan(layer * heads, heads),
                std::span(rows).subspan(layer * heads, heads));
  });
  const bool none = std::ranges::all_of(rows, [](const auto& list) { return list.empty(); });
  return none ? ListRows() : rows;
}

policy::Setting Redecider::settingOf(const Lists& lists, const HeldTokens& held) const {
  policy::Setting now = m_setting;
  now.shape.tokens = lists.rows;
  now.so_far = held.nextPosition();
  for (std::uint32_t head = lists.first; head < lists.first + lists.count; ++head) {
    const HeldList list = held.list(lists.layer, head);
    const std::uint32_t question = held.questionRow(lists.layer, head);
    for (std::uint32_t column = 0; column < lists.rows; ++column)
      now.columns.push_back(list[column < question ? column : column + held.questionTokens()]);
  }
  if (lists.count == now.heads()) return now;
  now.shape.query_heads = lists.count * (m_setting.shape.query_heads / m_setting.heads());
  now.shape.kv_heads = m_setting.granularity == policy::Granularity::KvHead ? lists.count : 1;
  return now;
}

policy::LayerScores Redecider::scoresOf(const Lists& lists, const HeldTokens& held, const EntrySignals& entries) const {
  if (m_method.score == nullptr) return {};
  if (m_method.needs.empty()) return scoresOfPositions(lists, held);
  SignalValues signals;
  if (readsProbabilities()) signals = m_signals.of(lists.layer, lists.first, lists.count, held);
  if (readsEntries()) {
    const SignalSet wanted = policy::commonOf(m_method.needs, policy::kSignalsOfEntries);
    SignalValues of_entries = entries(wanted, lists.layer, lists.first, lists.count);
    for (const Signal signal : wanted.members()) signals[signal] = std::move(of_entries[signal]);
  }
  return policy::scoreLayer(m_method, settingOf(lists, held), lists.layer, viewOf(signals));
}

// A score that reads no signal belongs to positions: it is taken at those that are held. Else each row is a column.
policy::LayerScores Redecider::scoresOfPositions(const Lists& lists, const HeldTokens& held) const {
  policy::Setting now = m_setting;
  now.shape.tokens = held.nextPosition();
  const policy::LayerScores all = policy::scoreLayer(m_method, now, lists.layer, {});
  // The tokens behind the candidates are always kept, so they are the last rows of every list.
  policy::LayerScores scores{.heads = lists.count, .candidates = lists.rows - (now.shape.tokens - all.candidates)};
  for (std::uint32_t head = lists.first; head < lists.first + lists.count; ++head) {
    const HeldList list = held.list(lists.layer, head);
    const std::uint32_t question = held.questionRow(lists.layer, head);
    for (std::uint32_t column = 0; column < scores.candidates; ++column)
      scores.values.push_back(all.head(head)[list[column < question ? column : column + held.questionTokens()]]);
  }
  return scores;
}

// Lists of one layer may differ in length where a method gives heads unequal capacities: each is then a layer of one
// list for the method.
void Redecider::evictionsOf(LayerIndex layer, const HeldTokens& held, const EntrySignals& entries,
                            std::span<const std::uint32_t> capacity, std::span<std::vector<std::uint32_t>> out) const {
  const auto rows = [&](std::uint32_t head) { return held.list(layer, head).size() - held.questionTokens(); };
  bool equal = true;
  for (std::uint32_t head = 1; head < held.heads(); ++head) equal = equal && rows(head) == rows(0);
  const std::uint32_t together = equal ? held.heads() : 1;
  for (std::uint32_t head = 0; head < held.heads(); head += together)
    evictionsOf({layer, head, together, rows(head)}, held, entries, capacity.subspan(head, together),
                out.subspan(head, together));
}

void Redecider::evictionsOf(const Lists& lists, const HeldTokens& held, const EntrySignals& entries,
                            std::span<const std::uint32_t> capacity, std::span<std::vector<std::uint32_t>> out) const {
  std::vector<std::uint32_t> kept_rows;
  for (const std::uint32_t most : capacity) kept_rows.push_back(std::min(most, lists.rows));
  if (std::ranges::all_of(kept_rows, [&](std::uint32_t kept) { return kept == lists.rows; })) return;
  std::vector<TokenIndex> kept(std::accumulate(kept_rows.begin(), kept_rows.end(), std::size_t{0}));
  policy::selectLayer(m_method, settingOf(lists, held), lists.layer, {.scores = scoresOf(lists, held, entries)},
                      kept_rows, kept);
  auto next = kept.begin();
  for (std::uint32_t i = 0; i < lists.count; ++i) {
    const auto end = next + kept_rows[i];
    const std::uint32_t question = held.questionRow(lists.layer, lists.first + i);
    for (std::uint32_t column = 0; column < lists.rows; ++column) {
      if (next != end && *next == column)
        ++next;
      else
        out[i].push_back(column < question ? column : column + held.questionTokens());
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
