// A block of keys in the layout of the register tile, and the queries to multiply with it, for one head.
#pragma once

#include <hwy/aligned_allocator.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/float_array.h"

namespace kvatlas::kernels {

// Keys packed together: the width of the register tile.
inline constexpr std::size_t kPanelKeys = 64;
// Maximum keys per block.
inline constexpr std::size_t kMostBlockKeys = 512;
// Query rows per register tile.
inline constexpr std::size_t kStripRows = 6;

// Whether bf16 keys stay bf16 for the processor's dot product (AVX512-BF16); otherwise pack() widens them once.
[[nodiscard]] bool hasBf16Dot();

// The rows of one strip as scorePanel reads them; missing rows repeat the last one. Valid until the next strip.
struct StripQueries {
  std::array<const float*, kStripRows> floats{};         // [d], or
  std::array<const std::uint32_t*, kStripRows> pairs{};  // [⌈d/2⌉] pairs of bf16
};

// Memory for strips that scorePanel cannot read in place; one per task.
class StripBuffer {
 public:
  // Query rows for packed keys of pairs of bf16 or of floats; `query` [rows, head_dim] starts at the strip's first row.
  [[nodiscard]] StripQueries load(FloatArray query, std::size_t rows, std::size_t head_dim, bool pairs);

 private:
  [[nodiscard]] const std::uint32_t* loadPairs(const std::uint16_t* query, std::size_t rows, std::size_t head_dim);

  hwy::AlignedFreeUniquePtr<float[]> m_floats;  // [kStripRows, d]
  hwy::AlignedFreeUniquePtr<std::uint32_t[]> m_pairs;
};

// Keys of one head in panels. Reused for every block by a task, or filled once and read by all.
class PackedKeys {
 public:
  PackedKeys(std::size_t most_keys, std::size_t head_dim);

  // Keys [begin, end) of [·, head_dim], in whole panels; keys past the end are 0.
  void pack(FloatArray key, std::size_t begin, std::size_t end);
  // As StripBuffer::load, for the packed keys.
  [[nodiscard]] StripQueries strip(FloatArray query, std::size_t rows) {
    return m_strip.load(query, rows, m_head_dim, m_pairs);
  }

  [[nodiscard]] bool holdsPairs() const { return m_pairs; }
  [[nodiscard]] std::size_t headDim() const { return m_head_dim; }
  [[nodiscard]] std::size_t pairCount() const { return (m_head_dim + 1) / 2; }
  [[nodiscard]] const float* panel(std::size_t index) const { return m_keys.get() + index * kPanelKeys * m_head_dim; }
  [[nodiscard]] const std::uint32_t* pairPanel(std::size_t index) const {
    return m_pair_keys.get() + index * kPanelKeys * pairCount();
  }

 private:
  void packFloats(FloatArray key, std::size_t begin, std::size_t end);
  void packPairs(const std::uint16_t* key, std::size_t begin, std::size_t end);

  std::size_t m_most_keys;
  std::size_t m_head_dim;
  bool m_pairs = false;
  hwy::AlignedFreeUniquePtr<float[]> m_keys;               // [panels, d, kPanelKeys]
  hwy::AlignedFreeUniquePtr<std::uint32_t[]> m_pair_keys;  // [panels, ⌈d/2⌉, kPanelKeys]
  StripBuffer m_strip;
};

// scores[r, key] = rows[r] · key of one panel with AVX512-BF16; only where hasBf16Dot().
void scorePairs(const StripQueries& rows, const std::uint32_t* panel, std::size_t pair_count, float* scores);

}  // namespace kvatlas::kernels
