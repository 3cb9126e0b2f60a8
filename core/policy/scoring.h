// Turns a recorded signal into one score per stored head and candidate token: combines head groups, pools neighbours.
// Arrays only.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// Max over κ neighbours, kernel odd, stride 1, same length: padding is −∞.
[[nodiscard]] std::vector<float> maxPool(std::span<const float> values, std::size_t kernel);

// Σ of κ neighbours / κ: padding is 0, and edges are divided by κ as well (torch: count_include_pad).
[[nodiscard]] std::vector<float> averagePool(std::span<const float> values, std::size_t kernel);

// One row per stored head over the first N − W tokens of a signal [query_heads, N]: the query head's own row, or the
// group's rows combined by parameter `group`. Error if the signal has another size (it was not recorded).
[[nodiscard]] LayerScores headScores(const Setting& setting, LayerIndex layer, const LayerSignals& of_layer,
                                     Signal signal);

// headScores of window_sum, then pooled by parameters `pooling` and `kernel`: SnapKV's and PyramidKV's score. Groups
// are combined before pooling, as in the published code.
[[nodiscard]] LayerScores pooledWindowScores(const Setting& setting, LayerIndex layer, const LayerSignals& signals);

}  // namespace kvatlas::policy
