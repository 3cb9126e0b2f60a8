// One decoding step of attention over caches of different lengths, without padding, on raw pointers.
#pragma once

#include <cstddef>
#include <span>

namespace kvatlas::kernels {

// The query heads that share one K/V list: those of a KV head in one branch (or one query head with its own cache).
struct DecodeSegment {
  const float* query = nullptr;  // [rows, d]
  std::size_t rows = 0;
  const float* key = nullptr;      // [length, d]
  const float* value = nullptr;    // [length, d]
  std::size_t length = 0;          // ≥ 1; every listed key is visible
  float* output = nullptr;         // [rows, d]
  float* probabilities = nullptr;  // [rows, length] or null
};

// softmax(q Kᵀ · scale) V for every segment, one task each, in a fixed order: bit-equal for any thread count. A row
// with a NaN or infinite logit becomes NaN.
void raggedDecodeAttention(std::span<const DecodeSegment> segments, std::size_t head_dim, float scale,
                           unsigned threads = 0);
void raggedDecodeAttentionReference(std::span<const DecodeSegment> segments, std::size_t head_dim, float scale);

}  // namespace kvatlas::kernels
