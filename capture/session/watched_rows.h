// Room for the probabilities that one layer's attention of a decoding step gives to what branches hold, query head by
// query head, and which position each belongs to. Knows held tokens, no store, no device, no model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/model/config.h"
#include "core/cache/held_tokens.h"

namespace kvatlas::capture {

// One query head's probabilities over the rows of its list that it sees.
struct WatchedRow {
  std::span<const float> mass;  // of the list's rows from `hidden` on
  cache::HeldList list;
  std::uint32_t hidden = 0;  // rows outside the sliding window; those behind `mass` are of later tokens
  [[nodiscard]] TokenIndex position(std::size_t column) const {
    return list[hidden + static_cast<std::uint32_t>(column)];
  }
};

// One of the last tokens of every list, which one step feeds together.
struct StepToken {
  std::uint32_t index = 0, of = 1;
};
struct VisibleRows {
  std::uint32_t hidden = 0, visible = 0;  // rows [hidden, hidden + visible) of the list
};
// The rows of a list that the token's query sees: no later token, none that a sliding window (0: none) has left behind.
[[nodiscard]] VisibleRows visibleRows(const cache::HeldTokens& held, const cache::HeldList& list, StepToken token,
                                      std::uint64_t sliding_window);

class WatchedRows {
 public:
  // held: [branches]
  WatchedRows(const ModelConfig& config, std::span<const cache::HeldTokens> held) : m_config(config), m_held(held) {}

  // Begins a step of `tokens` tokens that watches these branches, ascending; they hold the step's tokens already.
  void beginStep(std::span<const std::size_t> watched, std::uint32_t tokens = 1) {
    m_watched.assign(watched.begin(), watched.end());
    m_tokens = tokens;
  }
  // Makes room for a layer: branch after branch, token after token, [query heads, visible rows] each. Overwrites what
  // was there.
  void layOut(LayerIndex layer);
  [[nodiscard]] std::span<float> room() { return std::span(m_values).first(m_size); }
  // Where the rows of a branch begin; null for one that is not watched.
  [[nodiscard]] float* roomOf(std::size_t branch);

  [[nodiscard]] std::span<const std::size_t> watched() const { return m_watched; }
  [[nodiscard]] std::uint32_t tokens() const { return m_tokens; }
  // Of the i-th watched branch and one of the step's tokens.
  [[nodiscard]] WatchedRow row(std::size_t i, std::uint32_t query_head, std::uint32_t token = 0) const;

 private:
  struct Place {
    std::size_t offset = 0;
    std::uint32_t hidden = 0, visible = 0;
  };
  [[nodiscard]] cache::HeldList listOf(std::size_t branch, std::uint32_t query_head) const {
    const cache::HeldTokens& held = m_held[branch];
    return held.list(m_layer, query_head / (m_config.query_heads / held.heads()));
  }

  const ModelConfig& m_config;
  std::span<const cache::HeldTokens> m_held;
  std::vector<std::size_t> m_watched;
  std::size_t m_size = 0;
  LayerIndex m_layer;
  std::uint32_t m_tokens = 1;
  std::vector<Place> m_places;  // [watched, tokens, query_heads]
  std::vector<float> m_values;
};

}  // namespace kvatlas::capture
