// A small seeded generator whose numbers are the same on every machine and standard library; knows nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace kvatlas::evaluation {

// SplitMix64 (Steele, Lea, Flood 2014). The standard engines are portable, their distributions are not.
class Random {
 public:
  // Streams of different keys are independent of each other: a prompt's numbers do not depend on the prompts before it.
  explicit Random(std::uint64_t seed, std::initializer_list<std::uint64_t> keys = {}) : m_state(seed) {
    for (const std::uint64_t key : keys) m_state = next() ^ (key * 0x9E3779B97F4A7C15ULL);
  }

  [[nodiscard]] std::uint64_t next() {
    std::uint64_t z = (m_state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // Uniform in [0, count); count ≥ 1. The bias of the reduction is below count / 2⁶⁴.
  [[nodiscard]] std::size_t below(std::size_t count) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((static_cast<Wide>(next()) * count) >> 64);
  }
  // Uniform in [low, high].
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  // Uniform in [0, 1).
  [[nodiscard]] double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  [[nodiscard]] bool chance(double probability) { return unit() < probability; }

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t m_state;
};

}  // namespace kvatlas::evaluation
