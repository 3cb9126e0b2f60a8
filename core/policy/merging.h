// What becomes of the tokens that a list gives up: they are lost, or go into those that it keeps. Host arrays only.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "core/policy/policy.h"
#include "core/policy/stored_form.h"

namespace kvatlas::policy {

enum class MergeRule : std::uint8_t { None, Pivot, Weighted, Average, Forward };

struct MergePart {
  std::string_view name, meaning;
  std::span<const ParameterSpec> parameters;
  MergeRule rule = MergeRule::None;
};
[[nodiscard]] std::span<const MergePart> mergeParts();

inline constexpr std::uint32_t kLost = std::numeric_limits<std::uint32_t>::max();

// Pivot, Weighted, Average: every dropped row goes into the kept row whose key is most similar (cosine, ties to the
// first). Changes the kept rows; returns the one that each dropped row went into. dropped, kept: [·, d].
std::vector<std::uint32_t> mergeRows(MergeRule rule, const ListEntries& dropped, const ListEntries& kept,
                                     std::size_t head_dim);

// Forward: the value of a row that is given up goes, with a probability, in equal parts into the next kept rows.
struct ForwardMerge {
  std::uint32_t spread = 32;  // kept rows
  std::uint64_t stream = 0;   // of random numbers; one is drawn per position
};
// rows: given up, ascending. received: [all rows] attention so far. Returns for each row the first that it went into,
// or kLost.
std::vector<std::uint32_t> mergeForward(const ForwardMerge& merge, std::span<const std::uint32_t> rows,
                                        std::span<const double> received, std::span<const TokenIndex> positions,
                                        std::span<float> value, std::size_t head_dim);
[[nodiscard]] ForwardMerge forwardMerge(const Setting& setting, LayerIndex layer, std::uint32_t head);

}  // namespace kvatlas::policy
