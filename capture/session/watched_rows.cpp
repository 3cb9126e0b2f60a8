#include "capture/session/watched_rows.h"

#include <algorithm>

namespace kvatlas::capture {
namespace {

constexpr std::size_t kTokensAhead = 64;  // room grows for this many tokens at once

}  // namespace

void WatchedRows::layOut(LayerIndex layer) {
  m_layer = layer;
  m_size = 0;
  m_places.clear();
  for (const std::size_t branch : m_watched) {
    const std::uint64_t position = m_held[branch].nextPosition() - 1;
    for (std::uint32_t head = 0; head < m_config.query_heads; ++head) {
      const cache::HeldList list = listOf(branch, head);
      const std::uint32_t hidden = list.hiddenRows(position, m_config.sliding_window);
      m_places.push_back({m_size, hidden, list.size() - hidden});
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
  return m_values.data() + m_places[static_cast<std::size_t>(found - m_watched.begin()) * m_config.query_heads].offset;
}

WatchedRow WatchedRows::row(std::size_t i, std::uint32_t query_head) const {
  const Place& place = m_places[i * m_config.query_heads + query_head];
  return {.mass = std::span(m_values).subspan(place.offset, place.visible),
          .list = listOf(m_watched[i], query_head),
          .hidden = place.hidden};
}

}  // namespace kvatlas::capture
