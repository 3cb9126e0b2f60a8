#include "capture/session/attended_tokens.h"

#include "capture/session/watched_rows.h"
#include "core/trace/records.h"
#include "kernels/parallel.h"

namespace kvatlas::capture {

void AttendedTokens::beginStep(const std::vector<bool>& active) {
  const std::size_t step = std::size_t{m_config.layers} * m_config.query_heads * kAttendedKeys;
  for (std::size_t b = 0; b < m_branches.size(); ++b) {
    if (!active[b]) continue;
    m_branches[b].positions.resize(m_branches[b].positions.size() + step, trace::kNoToken);
    m_branches[b].mass.resize(m_branches[b].mass.size() + step, 0.0F);
  }
}

std::size_t AttendedTokens::cell(const Attended& branch, LayerIndex layer, std::uint32_t head) const {
  const std::size_t from_end = std::size_t{m_config.layers - layer.value} * m_config.query_heads - head;
  return branch.positions.size() - from_end * kAttendedKeys;
}

void AttendedTokens::takePrompt(LayerIndex layer, std::span<const kernels::TopEntry> keys) {
  for (Attended& branch : m_branches) {
    const std::size_t first = cell(branch, layer, 0);
    for (std::size_t k = 0; k < keys.size(); ++k) {
      if (keys[k].column == kernels::kNoColumn) continue;
      branch.positions[first + k] = keys[k].column;
      branch.mass[first + k] = keys[k].value;
    }
  }
}

void AttendedTokens::store(const TopKeys& keys, LayerIndex layer, std::size_t i, std::uint32_t token,
                           std::uint32_t head, std::size_t cell, Attended& to) const {
  const cache::HeldTokens& held = m_held[keys.branches()[i]];
  const cache::HeldList list = held.list(layer, head / (m_config.query_heads / held.heads()));
  const std::uint32_t hidden = visibleRows(held, list, {token, keys.tokens()}, m_config.sliding_window).hidden;
  for (const kernels::TopEntry& entry : keys.row(layer, i, token, head)) {
    if (entry.column == kernels::kNoColumn) return;
    to.positions[cell] = list[hidden + entry.column];
    to.mass[cell++] = entry.value;
  }
}

void AttendedTokens::takeStep(const TopKeys& keys) {
  kernels::parallelFor(m_config.layers, m_threads, [&](std::size_t l, unsigned) {
    const LayerIndex layer(l);
    for (std::size_t i = 0; i < keys.branches().size(); ++i) {
      Attended& branch = m_branches[keys.branches()[i]];
      for (std::uint32_t head = 0; head < m_config.query_heads; ++head)
        store(keys, layer, i, keys.tokens() - 1, head, cell(branch, layer, head), branch);
    }
  });
}

void AttendedTokens::beginQuestion(std::uint32_t tokens) {
  const std::size_t size = std::size_t{tokens} * m_config.layers * m_config.query_heads * kAttendedKeys;
  for (Attended& branch : m_questions) {
    branch.positions.resize(size, trace::kNoToken);
    branch.mass.resize(size, 0.0F);
  }
}

void AttendedTokens::takeQuestion(const TopKeys& keys, std::uint32_t first) {
  const std::size_t heads = m_config.query_heads, tokens = keys.tokens();
  kernels::parallelFor(keys.branches().size() * tokens, m_threads, [&](std::size_t task, unsigned) {
    const std::size_t i = task / tokens;
    const auto token = static_cast<std::uint32_t>(task % tokens);
    for (std::uint32_t layer = 0; layer < m_config.layers; ++layer)
      for (std::uint32_t head = 0; head < heads; ++head)
        store(keys, LayerIndex{layer}, i, token, head,
              (((first + token) * m_config.layers + layer) * heads + head) * kAttendedKeys,
              m_questions[keys.branches()[i]]);
  });
}

}  // namespace kvatlas::capture
