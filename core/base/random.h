// Seeded random numbers that are the same on every machine and with every standard library: a generator for numbers
// drawn one after the other, and numbers that depend on a stream and a counter alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace kvatlas {

inline constexpr std::uint64_t kRandomStep = 0x9E3779B97F4A7C15ULL;

// SplitMix64's finaliser (Steele, Lea, Flood 2014). The standard engines are portable, their distributions are not.
[[nodiscard]] inline std::uint64_t mixedBits(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

// Number `counter` of a SplitMix64 stream, in any order.
[[nodiscard]] inline std::uint64_t hashOf(std::uint64_t stream, std::uint64_t counter) {
  return mixedBits(stream + (counter + 1) * kRandomStep);
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

// SplitMix64.
class Random {
 public:
  // Streams of different keys are independent of each other: a prompt's numbers do not depend on the prompts before it.
  explicit Random(std::uint64_t seed, std::initializer_list<std::uint64_t> keys = {}) : m_state(seed) {
    for (const std::uint64_t key : keys) m_state = next() ^ (key * kRandomStep);
  }

  [[nodiscard]] std::uint64_t next() { return mixedBits(m_state += kRandomStep); }
  // Uniform in [0, count); count ≥ 1. The bias of the reduction is below count / 2⁶⁴.
  [[nodiscard]] std::size_t below(std::size_t count) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((static_cast<Wide>(next()) * count) >> 64);
  }
  // Uniform in [low, high].
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  // Uniform in [0, 1).
  [[nodiscard]] double unit() { return uniformOf(next()); }
  [[nodiscard]] bool chance(double probability) { return unit() < probability; }

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t m_state;
};

}  // namespace kvatlas
