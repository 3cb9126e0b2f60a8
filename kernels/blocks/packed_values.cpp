#include "kernels/blocks/packed_values.h"

#include <algorithm>
#include <new>

namespace kvatlas::kernels {

namespace {

template <class T>
hwy::AlignedFreeUniquePtr<T[]> allocate(std::size_t count) {
  auto memory = hwy::AllocateAligned<T>(count);
  if (!memory) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void PackedValues::pack(FloatArray value, std::size_t tokens, std::size_t head_dim, bool pairs) {
  m_holds_pairs = pairs;
  m_columns = (head_dim + kValueLanes - 1) / kValueLanes * kValueLanes;
  if (pairs) {
    packPairs(value.bf16(), tokens, head_dim);
  } else if (value.f32() != nullptr && m_columns == head_dim) {
    m_rows = value.f32();
  } else {
    packRows(value, tokens, head_dim);
  }
}

void PackedValues::packPairs(const std::uint16_t* value, std::size_t tokens, std::size_t head_dim) {
  m_pairs = allocate<std::uint32_t>((tokens + 1) / 2 * m_columns);
  std::uint32_t* out = m_pairs.get();
  for (std::size_t key = 0; key < tokens; key += 2, out += m_columns) {
    const std::uint16_t* const low = value + key * head_dim;
    const bool both = key + 1 < tokens;
    for (std::size_t k = 0; k < head_dim; ++k) {
      out[k] = low[k] | (both ? std::uint32_t{low[head_dim + k]} << 16U : 0U);
    }
    std::fill(out + head_dim, out + m_columns, 0U);
  }
}

void PackedValues::packRows(FloatArray value, std::size_t tokens, std::size_t head_dim) {
  m_floats = allocate<float>(tokens * m_columns);
  for (std::size_t key = 0; key < tokens; ++key) {
    float* const out = m_floats.get() + key * m_columns;
    value.from(key * head_dim).copyTo(out, head_dim);
    std::fill(out + head_dim, out + m_columns, 0.0F);
  }
  m_rows = m_floats.get();
}

}  // namespace kvatlas::kernels
