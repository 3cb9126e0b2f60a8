// From a recorded signal to one score per stored head and candidate token: head groups joined, neighbours pooled;
// arrays only.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// Max over κ neighbours, kernel odd, stride 1, same length: what lies outside counts as −∞.
[[nodiscard]] std::vector<float> maxPool(std::span<const float> values, std::size_t kernel);

// Σ of κ neighbours / κ: what lies outside counts as 0, so edges are divided by κ as well (torch: count_include_pad).
[[nodiscard]] std::vector<float> averagePool(std::span<const float> values, std::size_t kernel);

// One row per stored head over the first N − W tokens of a signal [query_heads, N]: a copy per query head, or the
// group's rows joined by parameter `group`. Error when the signal has another size (then it was not recorded).
[[nodiscard]] LayerScores headScores(const Setting& setting, LayerIndex layer, const LayerSignals& of_layer,
                                     Signal signal);

// headScores of window_sum, then pooled by parameters `pooling` and `kernel`: SnapKV's and PyramidKV's score. Groups
// are joined before pooling, as in the published code.
[[nodiscard]] LayerScores pooledWindowScores(const Setting& setting, LayerIndex layer, const LayerSignals& signals);

}  // namespace kvatlas::policy
