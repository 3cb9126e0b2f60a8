// Room for the probabilities that one layer's attention of a decoding step gives to what branches hold, query head by
// query head, and which position each belongs to. Knows decisions, no cache, no device, no model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/model/config.h"
#include "capture/session/branches.h"
#include "kernels/ragged_decode.h"

namespace kvatlas::capture {

// How many of a list's first rows lie outside the sliding window (0: none) at `position`: the kept prompt positions,
// ascending, then generated tokens prompt_tokens, prompt_tokens + 1, …
[[nodiscard]] std::size_t hiddenRows(std::span<const TokenIndex> kept, std::size_t generated,
                                     std::uint64_t prompt_tokens, std::uint64_t position, std::uint64_t sliding_window);

// One query head's probabilities over the rows of its list that it sees.
struct WatchedRow {
  std::span<const float> mass;       // of the list's rows from `hidden` on
  std::span<const TokenIndex> kept;  // the list: kept prompt positions, then the generated tokens
  std::size_t hidden = 0;            // rows outside the sliding window
  std::uint64_t prompt_tokens = 0;
  [[nodiscard]] TokenIndex position(std::size_t column) const {
    const std::size_t row = hidden + column;
    return row < kept.size() ? kept[row] : static_cast<TokenIndex>(prompt_tokens + row - kept.size());
  }
};

class WatchedRows {
 public:
  WatchedRows(const ModelConfig& config, std::span<const Branch> branches, std::uint64_t prompt_tokens)
      : m_config(config), m_branches(branches), m_prompt_tokens(prompt_tokens) {}

  // Begins a step that watches these branches, the first of its batch. `generated`: tokens fed so far, this one
  // included.
  void beginStep(std::span<const std::size_t> watched, std::size_t generated);
  // Makes room for a layer: segment after segment in the order of the kernels, [query heads, visible rows] each. What
  // was there before is gone.
  void layOut(LayerIndex layer);
  // Has the first segments of the batch write there.
  void watch(std::span<kernels::DecodeSegment> segments);
  [[nodiscard]] std::span<float> room() { return std::span(m_values).first(m_size); }

  [[nodiscard]] std::span<const std::size_t> watched() const { return m_watched; }
  // Of the i-th watched branch.
  [[nodiscard]] WatchedRow row(std::size_t i, std::uint32_t query_head) const;

 private:
  struct Place {
    std::size_t offset = 0, length = 0;
  };
  [[nodiscard]] std::span<const TokenIndex> keptBy(std::size_t branch, std::uint32_t query_head) const;

  const ModelConfig& m_config;
  std::span<const Branch> m_branches;
  std::uint64_t m_prompt_tokens;
  std::vector<std::size_t> m_watched;
  std::size_t m_generated = 0, m_size = 0;
  LayerIndex m_layer;
  std::vector<Place> m_places;  // [watched, query_heads]
  std::vector<float> m_values;
};

}  // namespace kvatlas::capture
