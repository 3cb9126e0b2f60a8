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

// No values yet: heads and candidates of the setting.
[[nodiscard]] LayerScores emptyScores(const Setting& setting);

// The row [N] of a signal [kv_heads, N] that belongs to a stored head.
[[nodiscard]] std::span<const float> kvRow(const Setting& setting, std::span<const float> signal, std::uint32_t head);
// One row per stored head over the candidates of a signal [kv_heads, N].
[[nodiscard]] LayerScores kvHeadScores(const Setting& setting, const LayerSignals& of_layer, Signal signal);

// Subtracts the mean and divides by the deviation (n − 1) over all heads: as kvpress does for some scores.
void standardise(std::vector<float>& values);

// [candidates] of a signal of values for one stored head. kv-head granularity: the mean over a group's query heads.
[[nodiscard]] std::vector<float> valueWeights(const Setting& setting, Signal weight, const LayerSignals& signals,
                                              std::uint32_t head, std::uint32_t candidates);

// Gives the first `sinks` tokens (a parameter) the score `value`.
void putFirst(const Setting& setting, float value, LayerScores& scores);

// One row per stored head over the candidates of a signal [query_heads, N]: the query head's own row, or the
// group's rows combined by parameter `group`. Error if the signal has another size (it was not recorded).
[[nodiscard]] LayerScores headScores(const Setting& setting, LayerIndex layer, const LayerSignals& of_layer,
                                     Signal signal);

// headScores of window_sum, then pooled by parameters `pooling` and `kernel`: SnapKV's and PyramidKV's score. Groups
// are combined before pooling, as in the published code.
[[nodiscard]] LayerScores pooledWindowScores(const Setting& setting, LayerIndex layer, const LayerSignals& signals);

}  // namespace kvatlas::policy
