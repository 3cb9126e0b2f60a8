// Selects the positions a head keeps, given scores and capacity, and allocates uniform capacities. Arrays
// only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// The `count` highest scores as ascending positions. Ties go to the lowest position; −0 equals 0; NaN comes last.
[[nodiscard]] std::vector<TokenIndex> topPositions(std::span<const float> scores, std::size_t count);

// The `count` highest scores, best first, in the same total order: as a set, every prefix is a topPositions.
[[nodiscard]] std::vector<TokenIndex> rankedPositions(std::span<const float> scores, std::size_t count);

// Selector: the recent tokens and the best of the others.
[[nodiscard]] std::vector<TokenIndex> selectTopAndRecent(const Setting& setting, LayerIndex layer,
                                                         std::span<const float> head_scores, std::uint32_t capacity);

// Allocator: every head of every layer keeps the budget C, at most N.
[[nodiscard]] std::vector<std::uint32_t> allocateUniform(const Setting& setting, std::span<const LayerScores> scores);

}  // namespace kvatlas::policy
