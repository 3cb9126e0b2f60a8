// Which head a view shows, or which heads it aggregates and how.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/trace/records.h"

namespace kvatlas::views {

struct HeadChoice {
  enum Kind : std::uint8_t { QueryHead, MeanOverHeads, MaxOverHeads, MeanOverGroup, MaxOverGroup };
  Kind kind = MeanOverHeads;
  std::uint32_t index = 0;  // a query head, or a KV head for the groups; else 0
  friend constexpr bool operator==(HeadChoice, HeadChoice) = default;

  [[nodiscard]] bool group() const { return kind == MeanOverGroup || kind == MaxOverGroup; }
  [[nodiscard]] bool max() const { return kind == MaxOverHeads || kind == MaxOverGroup; }
};

// The selected query heads, ascending.
[[nodiscard]] std::vector<HeadIndex> headsOf(const HeadChoice& choice, const trace::ModelInfo& model);
// The choice clamped to the model's heads.
[[nodiscard]] HeadChoice clamped(HeadChoice choice, const trace::ModelInfo& model);
// The stored head (of `run_heads` per layer) that serves all heads of the choice; empty if several do.
[[nodiscard]] std::optional<std::size_t> storedHeadOf(const HeadChoice& choice, std::uint32_t run_heads,
                                                      const trace::ModelInfo& model);
// "H5", "mean over heads", "KV2 max"
[[nodiscard]] std::string textOf(const HeadChoice& choice);

// Reduces [heads of the choice, n] to [n]: a single row unchanged, else mean (summed in double, in order) or maximum.
[[nodiscard]] std::vector<float> joinHeads(const HeadChoice& choice, const std::vector<std::vector<float>>& rows);

}  // namespace kvatlas::views
