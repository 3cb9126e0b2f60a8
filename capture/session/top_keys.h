// The keys that the query heads of a step give most to, in every layer. Knows no store, no cache, no model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/ids.h"
#include "kernels/top_entries.h"

namespace kvatlas::capture {

inline constexpr std::uint32_t kAttendedKeys = 8;  // K: keys recorded per step, layer and query head

// Of every row the K largest probabilities; columns count from the first row of the list that the query sees.
class TopKeys {
 public:
  TopKeys(std::uint32_t layers, std::uint32_t query_heads) : m_layers(layers), m_query_heads(query_heads) {}

  // Makes room for a step of `tokens` tokens of these branches, ascending.
  void beginStep(std::span<const std::size_t> branches, std::uint32_t tokens);

  [[nodiscard]] std::span<const std::size_t> branches() const { return m_branches; }
  [[nodiscard]] std::uint32_t tokens() const { return m_tokens; }
  [[nodiscard]] std::size_t rows() const { return m_branches.size() * m_tokens * m_query_heads; }  // of one layer
  // [count, branches, tokens, query_heads, K]
  [[nodiscard]] std::span<kernels::TopEntry> ofLayers(std::uint32_t first, std::uint32_t count) {
    return std::span(m_entries).subspan(first * rows() * kAttendedKeys, count * rows() * kAttendedKeys);
  }
  // [K] of the i-th branch.
  [[nodiscard]] std::span<const kernels::TopEntry> row(LayerIndex layer, std::size_t i, std::uint32_t token,
                                                       std::uint32_t query_head) const {
    return std::span(m_entries).subspan(at(layer, i, token, query_head), kAttendedKeys);
  }
  [[nodiscard]] std::span<kernels::TopEntry> row(LayerIndex layer, std::size_t i, std::uint32_t token,
                                                 std::uint32_t query_head) {
    return std::span(m_entries).subspan(at(layer, i, token, query_head), kAttendedKeys);
  }

 private:
  [[nodiscard]] std::size_t at(LayerIndex layer, std::size_t i, std::uint32_t token, std::uint32_t query_head) const {
    return (layer.value * rows() + (i * m_tokens + token) * m_query_heads + query_head) * kAttendedKeys;
  }

  std::uint32_t m_layers, m_query_heads, m_tokens = 0;
  std::vector<std::size_t> m_branches;
  std::vector<kernels::TopEntry> m_entries;  // [layers, branches, tokens, query_heads, K]
};

// Of the prompt's last query: rows [query_heads, N] of probabilities, of which the first `hidden` are not seen. Returns
// [query_heads, K]; here columns are positions.
[[nodiscard]] std::vector<kernels::TopEntry> topOfPrompt(std::span<const float> rows, std::uint32_t query_heads,
                                                         std::size_t hidden, unsigned threads);

}  // namespace kvatlas::capture
