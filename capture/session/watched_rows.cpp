#include "capture/session/watched_rows.h"

#include <algorithm>

namespace kvatlas::capture {
namespace {

constexpr std::size_t kTokensAhead = 64;  // room grows for this many tokens at once

}  // namespace

std::size_t hiddenRows(std::span<const TokenIndex> kept, std::size_t generated, std::uint64_t prompt_tokens,
                       std::uint64_t position, std::uint64_t sliding_window) {
  if (sliding_window == 0 || position < sliding_window) return 0;
  const std::uint64_t first_visible = position - sliding_window + 1;
  const auto hidden = static_cast<std::size_t>(std::ranges::lower_bound(kept, first_visible) - kept.begin());
  if (hidden < kept.size() || first_visible <= prompt_tokens) return hidden;
  return hidden + std::min<std::size_t>(generated, first_visible - prompt_tokens);
}

void WatchedRows::beginStep(std::span<const std::size_t> watched, std::size_t generated) {
  m_watched.assign(watched.begin(), watched.end());
  m_generated = generated;
}

std::span<const TokenIndex> WatchedRows::keptBy(std::size_t branch, std::uint32_t query_head) const {
  const policy::Decision& decision = m_branches[branch].decision;
  return decision.kept(m_layer, query_head / (m_config.query_heads / decision.heads));
}

void WatchedRows::layOut(LayerIndex layer) {
  m_layer = layer;
  m_size = 0;
  m_places.clear();
  const std::uint64_t position = m_prompt_tokens + m_generated - 1;
  for (const std::size_t branch : m_watched) {
    for (std::uint32_t head = 0; head < m_config.query_heads; ++head) {
      const auto kept = keptBy(branch, head);
      const std::size_t rows = kept.size() + m_generated;
      const Place place{m_size,
                        rows - hiddenRows(kept, m_generated, m_prompt_tokens, position, m_config.sliding_window)};
      m_places.push_back(place);
      m_size += place.length;
    }
  }
  if (m_values.size() >= m_size) return;
  std::vector<float>().swap(m_values);  // nothing of it is needed: no copy, and never both in memory
  m_values.resize(m_size + m_places.size() * kTokensAhead);
}

void WatchedRows::watch(std::span<kernels::DecodeSegment> segments) {
  std::size_t query_head = 0;  // over all watched branches
  for (kernels::DecodeSegment& segment : segments) {
    if (query_head == m_places.size()) return;
    segment.probabilities = m_values.data() + m_places[query_head].offset;
    query_head += segment.rows;
  }
}

WatchedRow WatchedRows::row(std::size_t i, std::uint32_t query_head) const {
  const Place& place = m_places[i * m_config.query_heads + query_head];
  const auto kept = keptBy(m_watched[i], query_head);
  return {.mass = std::span(m_values).subspan(place.offset, place.length),
          .kept = kept,
          .hidden = kept.size() + m_generated - place.length,
          .prompt_tokens = m_prompt_tokens};
}

}  // namespace kvatlas::capture
