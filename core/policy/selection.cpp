#include "core/policy/selection.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

namespace kvatlas::policy {
namespace {

// Smaller key: kept first. Score and position packed into one integer have a total order for any float values.
std::uint64_t rankKey(float score, std::size_t position) {
  if (std::isnan(score)) score = -std::numeric_limits<float>::infinity();
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);
  const std::uint32_t ascending = (bits >> 31) != 0 ? ~bits : bits | 0x8000'0000U;
  return (std::uint64_t{~ascending} << 32) | position;
}

// The keys of the `count` best, unordered.
std::vector<std::uint64_t> bestKeys(std::span<const float> scores, std::size_t count) {
  std::vector<std::uint64_t> keys(scores.size());
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = rankKey(scores[i], i);
  std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), keys.end());
  keys.resize(count);
  return keys;
}

std::vector<TokenIndex> positionsOf(const std::vector<std::uint64_t>& keys) {
  std::vector<TokenIndex> positions(keys.size());
  std::transform(keys.begin(), keys.end(), positions.begin(),
                 [](std::uint64_t key) { return static_cast<TokenIndex>(key); });
  return positions;
}

}  // namespace

std::vector<TokenIndex> topPositions(std::span<const float> scores, std::size_t count) {
  std::vector<TokenIndex> positions = positionsOf(bestKeys(scores, std::min(count, scores.size())));
  std::sort(positions.begin(), positions.end());
  return positions;
}

std::vector<TokenIndex> rankedPositions(std::span<const float> scores, std::size_t count) {
  std::vector<std::uint64_t> keys = bestKeys(scores, std::min(count, scores.size()));
  std::sort(keys.begin(), keys.end());
  return positionsOf(keys);
}

std::vector<TokenIndex> selectTopAndRecent(const Setting& setting, LayerIndex, std::span<const float> head_scores,
                                           std::uint32_t capacity) {
  capacity = std::min(capacity, setting.shape.tokens);
  const std::uint32_t recent = std::min(setting.recent, capacity);
  std::vector<TokenIndex> kept = topPositions(head_scores, capacity - recent);
  kept.resize(capacity);
  std::iota(kept.end() - recent, kept.end(), setting.shape.tokens - recent);
  return kept;
}

std::vector<std::uint32_t> allocateUniform(const Setting& setting, std::span<const LayerScores>) {
  const auto each = static_cast<std::uint32_t>(std::min<std::uint64_t>(setting.budget, setting.shape.tokens));
  return std::vector<std::uint32_t>(std::size_t{setting.shape.layers} * setting.heads(), each);
}

}  // namespace kvatlas::policy
