#include "core/cache/held_tokens.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "core/base/error.h"
#include "core/cache/erase_rows.h"

namespace kvatlas::cache {

std::uint32_t HeldList::rowFrom(std::uint64_t position) const {
  if (!m_listed) return static_cast<std::uint32_t>(std::min<std::uint64_t>(position, m_count));
  return static_cast<std::uint32_t>(std::ranges::lower_bound(m_positions, position) - m_positions.begin());
}

bool HeldList::contains(TokenIndex position) const {
  const std::uint32_t row = rowFrom(position);
  return row < m_count && (*this)[row] == position;
}

std::uint32_t HeldList::hiddenRows(std::uint64_t position, std::uint64_t sliding_window) const {
  return sliding_window == 0 || position < sliding_window ? 0 : rowFrom(position - sliding_window + 1);
}

HeldTokens::HeldTokens(std::uint32_t layers, std::uint32_t heads, TokenIndex prompt_tokens)
    : m_layers(layers),
      m_heads(heads),
      m_prompt_tokens(prompt_tokens),
      m_next(prompt_tokens),
      m_lists(std::size_t{layers} * heads),
      m_rows(m_lists.size() * prompt_tokens) {}

HeldTokens::HeldTokens(const policy::Decision& decision, TokenIndex prompt_tokens)
    : HeldTokens(decision.layers, decision.heads, prompt_tokens) {
  for (std::size_t i = 0; i < m_lists.size(); ++i) {
    const auto kept = decision.kept(LayerIndex(i / m_heads), static_cast<std::uint32_t>(i % m_heads));
    if (kept.size() == prompt_tokens) continue;
    m_lists[i] = {.everything = false, .positions = {kept.begin(), kept.end()}};
    m_rows -= prompt_tokens - kept.size();
  }
}

std::size_t HeldTokens::at(LayerIndex layer, std::uint32_t head) const {
  if (layer.value >= m_layers || head >= m_heads)
    fail("layer {}, head {}: the cache has {} layers with {} lists each", layer.value, head, m_layers, m_heads);
  return std::size_t{layer.value} * m_heads + head;
}

HeldList HeldTokens::list(LayerIndex layer, std::uint32_t head) const {
  const List& list = m_lists[at(layer, head)];
  return list.everything ? HeldList(m_next) : HeldList(std::span(list.positions));
}

void HeldTokens::append() {
  for (List& list : m_lists)
    if (!list.everything) list.positions.push_back(m_next);
  ++m_next;
  m_rows += m_lists.size();
}

void HeldTokens::appendQuestion(std::uint32_t tokens) {
  if (m_next != firstGenerated()) throw std::logic_error("a question comes before everything generated");
  for (std::uint32_t i = 0; i < tokens; ++i) append();
  m_question_tokens += tokens;
}

void HeldTokens::writeOut(List& list) const {
  if (!list.everything) return;
  list.everything = false;
  list.positions.resize(m_next);
  std::iota(list.positions.begin(), list.positions.end(), TokenIndex{0});
}

void HeldTokens::evict(std::uint32_t step, LayerIndex layer, std::uint32_t head, std::span<const std::uint32_t> rows,
                       EvictionReason reason) {
  if (rows.empty()) return;
  List& list = m_lists[at(layer, head)];
  writeOut(list);
  if (rows.back() >= list.positions.size() || std::ranges::adjacent_find(rows, std::greater_equal<>()) != rows.end())
    fail("layer {}, head {}: rows to evict are not ascending rows of {} held tokens", layer.value, head,
         list.positions.size());
  const auto of_question = [&](std::uint32_t row) {
    return list.positions[row] >= m_prompt_tokens && list.positions[row] < firstGenerated();
  };
  if (m_question_tokens > 0 && std::ranges::any_of(rows, of_question))
    fail("layer {}, head {}: the question is never evicted", layer.value, head);
  for (const std::uint32_t row : rows) m_log.push_back({step, layer.value, head, list.positions[row], reason});
  eraseRows(list.positions, rows);
  m_rows -= rows.size();
}

}  // namespace kvatlas::cache
