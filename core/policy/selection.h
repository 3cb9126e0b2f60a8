// Which positions a head keeps once scores and capacity are known, and capacities that are the same everywhere; arrays
// only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// The `count` highest scores as ascending positions. Ties go to the lowest position; −0 equals 0; NaN comes last.
[[nodiscard]] std::vector<TokenIndex> topPositions(std::span<const float> scores, std::size_t count);

// The `count` highest scores, best first, in the same total order: every prefix is a topPositions, as a set.
[[nodiscard]] std::vector<TokenIndex> rankedPositions(std::span<const float> scores, std::size_t count);

// Selector: the last W tokens and the best `capacity` − W of the scored rest.
[[nodiscard]] std::vector<TokenIndex> selectTopAndWindow(const Setting& setting, LayerIndex layer,
                                                         std::span<const float> head_scores, std::uint32_t capacity);

// Allocator: every head of every layer keeps the budget C, at most N.
[[nodiscard]] std::vector<std::uint32_t> allocateUniform(const Setting& setting, std::span<const LayerScores> scores);

}  // namespace kvatlas::policy
