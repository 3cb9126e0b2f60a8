// The values of one KV head in the layout that the weighted sum of prefill attention reads.
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <cstdint>

#include "kernels/float_array.h"

namespace kvatlas::kernels {

// Columns are padded to whole vectors of the widest target.
inline constexpr std::size_t kValueLanes = 16;

class PackedValues {
 public:
  // Values [0, tokens) of [tokens, head_dim], which must outlive this object: f32 rows of whole vectors are read in
  // place. `pairs`: neighbouring keys of bf16 together, for the processor's bf16 dot product.
  void pack(FloatArray value, std::size_t tokens, std::size_t head_dim, bool pairs);

  [[nodiscard]] bool holdsPairs() const { return m_holds_pairs; }
  [[nodiscard]] std::size_t columns() const { return m_columns; }  // d, padded
  [[nodiscard]] const float* row(std::size_t key) const { return m_rows + key * m_columns; }
  // [columns] of keys 2·pair (low half) and 2·pair + 1; a missing last key is 0.
  [[nodiscard]] const std::uint32_t* pairRow(std::size_t pair) const { return m_pairs.get() + pair * m_columns; }

 private:
  void packPairs(const std::uint16_t* value, std::size_t tokens, std::size_t head_dim);
  void packRows(FloatArray value, std::size_t tokens, std::size_t head_dim);

  bool m_holds_pairs = false;
  std::size_t m_columns = 0;
  const float* m_rows = nullptr;
  hwy::AlignedFreeUniquePtr<float[]> m_floats;         // [tokens, columns]
  hwy::AlignedFreeUniquePtr<std::uint32_t[]> m_pairs;  // [⌈tokens/2⌉, columns]
};

}  // namespace kvatlas::kernels
