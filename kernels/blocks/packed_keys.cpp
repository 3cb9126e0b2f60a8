#include "kernels/blocks/packed_keys.h"

#include <algorithm>
#include <bit>
#include <new>

namespace kvatlas::kernels {

namespace {

// Keys transposed per step: their rows stay in the L1 cache and each write fills whole cache lines.
constexpr std::size_t kPackRows = 16;

template <class T>
void allocate(hwy::AlignedFreeUniquePtr<T[]>& memory, std::size_t count) {
  if (memory) {
    return;
  }
  memory = hwy::AllocateAligned<T>(count);
  if (!memory) {
    throw std::bad_alloc();
  }
}

std::uint32_t pairAt(const std::uint16_t* row, std::size_t pair, std::size_t head_dim) {
  const std::uint32_t high = 2 * pair + 1 < head_dim ? row[2 * pair + 1] : 0U;
  return row[2 * pair] | high << 16U;
}

// packed[panel, k, key] = element(key, k) for `depth` values of k.
template <class T, class Element>
void transposeIntoPanels(std::size_t keys, std::size_t depth, T* packed, const Element& element) {
  for (std::size_t first = 0; first < keys; first += kPackRows) {
    T* const out = packed + first / kPanelKeys * kPanelKeys * depth + first % kPanelKeys;
    const std::size_t count = std::min(kPackRows, keys - first);
    for (std::size_t k = 0; k < depth; ++k) {
      for (std::size_t i = 0; i < count; ++i) {
        out[k * kPanelKeys + i] = element(first + i, k);
      }
    }
  }
  const std::size_t used = keys % kPanelKeys;
  for (std::size_t k = 0; used > 0 && k < depth; ++k) {
    T* const row = packed + (keys - used) * depth + k * kPanelKeys;
    std::fill(row + used, row + kPanelKeys, T{});
  }
}

}  // namespace

PackedKeys::PackedKeys(std::size_t most_keys, std::size_t head_dim)
    : m_most_keys((most_keys + kPanelKeys - 1) / kPanelKeys * kPanelKeys), m_head_dim(head_dim) {}

void PackedKeys::pack(FloatArray key, std::size_t begin, std::size_t end) {
  m_pairs = key.bf16() != nullptr && hasBf16Dot();
  if (m_pairs) {
    packPairs(key.bf16(), begin, end);
  } else {
    packFloats(key, begin, end);
  }
}

void PackedKeys::packFloats(FloatArray key, std::size_t begin, std::size_t end) {
  allocate(m_keys, m_most_keys * m_head_dim);
  const auto pack = [&](const auto& element) { transposeIntoPanels(end - begin, m_head_dim, m_keys.get(), element); };
  if (const float* const values = key.f32()) {
    pack([&](std::size_t i, std::size_t k) { return values[(begin + i) * m_head_dim + k]; });
  } else {
    pack([&, bits = key.bf16()](std::size_t i, std::size_t k) { return fromBf16(bits[(begin + i) * m_head_dim + k]); });
  }
}

void PackedKeys::packPairs(const std::uint16_t* key, std::size_t begin, std::size_t end) {
  allocate(m_pair_keys, m_most_keys * pairCount());
  transposeIntoPanels(end - begin, pairCount(), m_pair_keys.get(), [&](std::size_t i, std::size_t pair) {
    return pairAt(key + (begin + i) * m_head_dim, pair, m_head_dim);
  });
}

const std::uint32_t* StripBuffer::loadPairs(const std::uint16_t* query, std::size_t rows, std::size_t head_dim) {
  // Rows of whole pairs are pairs already; scorePairs reads them as such.
  if (std::endian::native == std::endian::little && head_dim % 2 == 0 &&
      reinterpret_cast<std::uintptr_t>(query) % alignof(std::uint32_t) == 0) {
    return reinterpret_cast<const std::uint32_t*>(query);
  }
  const std::size_t pairs = (head_dim + 1) / 2;
  allocate(m_pairs, kStripRows * pairs);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      m_pairs[r * pairs + pair] = pairAt(query + r * head_dim, pair, head_dim);
    }
  }
  return m_pairs.get();
}

StripQueries StripBuffer::load(FloatArray query, std::size_t rows, std::size_t head_dim, bool pairs) {
  StripQueries strip;
  const float* floats = query.f32();
  const std::uint32_t* bits = nullptr;
  if (pairs) {
    bits = loadPairs(query.bf16(), rows, head_dim);
  } else if (floats == nullptr) {
    allocate(m_floats, kStripRows * head_dim);
    query.copyTo(m_floats.get(), rows * head_dim);
    floats = m_floats.get();
  }
  for (std::size_t r = 0; r < kStripRows; ++r) {
    const std::size_t row = std::min(r, rows - 1);
    strip.floats[r] = pairs ? nullptr : floats + row * head_dim;
    strip.pairs[r] = pairs ? bits + row * ((head_dim + 1) / 2) : nullptr;
  }
  return strip;
}

}  // namespace kvatlas::kernels
