// Random numbers that depend on what they are for, not on the order they are drawn in; the same with every standard
// library. Knows nothing else.
#pragma once

#include <cmath>
#include <cstdint>

namespace kvatlas::synthetic {

// SplitMix64's finaliser over a stream and a counter.
[[nodiscard]] inline std::uint64_t hashOf(std::uint64_t stream, std::uint64_t counter) {
  std::uint64_t z = stream + (counter + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

// In [0, 1).
[[nodiscard]] inline double uniformOf(std::uint64_t hash) {
  return static_cast<double>(hash >> 11U) * 0x1p-53;
}

// Roughly normal: the sum of the hash's four 16-bit parts, mean 0, variance 1.
[[nodiscard]] inline double normalOf(std::uint64_t hash) {
  const std::uint64_t sum = (hash & 0xffffU) + ((hash >> 16U) & 0xffffU) + ((hash >> 32U) & 0xffffU) + (hash >> 48U);
  return (static_cast<double>(sum) * 0x1p-16 - 2.0) * 1.7320508075688772;
}

}  // namespace kvatlas::synthetic
