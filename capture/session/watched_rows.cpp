#include "capture/session/watched_rows.h"

#include <algorithm>

namespace kvatlas::capture {
namespace {

constexpr std::size_t kTokensAhead = 64;  // room grows for this many tokens at once

}  // namespace

VisibleRows visibleRows(const cache::HeldTokens& held, const cache::HeldList& list, StepToken token,
                        std::uint64_t sliding_window) {
  const std::uint32_t later = token.of - 1 - token.index;
  const std::uint32_t hidden = list.hiddenRows(held.nextPosition() - 1 - later, sliding_window);
  return {hidden, list.size() - later - hidden};
}

void WatchedRows::layOut(LayerIndex layer) {
  m_layer = layer;
  m_size = 0;
  m_places.clear();
  for (const std::size_t branch : m_watched) {
    for (std::uint32_t i = 0; i < m_tokens * m_config.query_heads; ++i) {
      const VisibleRows rows = visibleRows(m_held[branch], listOf(branch, i % m_config.query_heads),
                                           {i / m_config.query_heads, m_tokens}, m_config.sliding_window);
      m_places.push_back({m_size, rows.hidden, rows.visible});
      m_size += m_places.back().visible;
    }
  }
  if (m_values.size() >= m_size) return;
  std::vector<float>().swap(m_values);  // nothing of it is needed: no copy, and never both in memory
  m_values.resize(m_size + m_places.size() * kTokensAhead);
}

float* WatchedRows::roomOf(std::size_t branch) {
  const auto found = std::ranges::lower_bound(m_watched, branch);
  if (found == m_watched.end() || *found != branch) return nullptr;
  const auto i = static_cast<std::size_t>(found - m_watched.begin());
  return m_values.data() + m_places[i * m_tokens * m_config.query_heads].offset;
}

WatchedRow WatchedRows::row(std::size_t i, std::uint32_t query_head, std::uint32_t token) const {
  const Place& place = m_places[(i * m_tokens + token) * m_config.query_heads + query_head];
  return {.mass = std::span(m_values).subspan(place.offset, place.visible),
          .list = listOf(m_watched[i], query_head),
          .hidden = place.hidden};
}

}  // namespace kvatlas::capture
