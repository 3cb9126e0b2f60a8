// What allocations share: whole numbers that add up to a budget, and the pyramid over layers. Arrays only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/policy/policy.h"

namespace kvatlas::policy {

// [layers * heads] from one number per layer.
[[nodiscard]] std::vector<std::uint32_t> everyHead(const Setting& setting, const std::vector<std::uint32_t>& per_layer);

// [layers] by parameter `beta` and the preset's arithmetic.
[[nodiscard]] std::vector<std::uint32_t> pyramidPerLayer(const Setting& setting);

// `total` tokens over `lists` lists that differ by one at most and hold `most` at most; the first lists hold more.
[[nodiscard]] std::vector<std::uint64_t> spread(std::uint64_t total, std::size_t lists, std::uint64_t most);

// Whole numbers that add up to `sum` and differ from `wanted` by less than one, given Σ wanted = sum up to rounding:
// the largest remainders are rounded up, ties go to the first.
[[nodiscard]] std::vector<std::uint32_t> roundedToSum(std::span<const double> wanted, std::uint64_t sum);

// wanted: finite, ≥ 0. Each size cut to [lowest, highest], what is cut off going to the others in proportion, so that
// the whole numbers add up to `sum`. lists · lowest ≤ sum ≤ lists · highest.
[[nodiscard]] std::vector<std::uint32_t> boundedToSum(std::span<const double> wanted, std::uint64_t sum,
                                                      std::uint32_t lowest, std::uint32_t highest);

}  // namespace kvatlas::policy
