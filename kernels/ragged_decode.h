// One decoding step of attention over caches of different lengths, without padding; raw pointers only.
#pragma once

#include <cstddef>
#include <span>

namespace kvatlas::kernels {

// The query heads that share one K/V list: a KV head of one branch (or one query head where caches are per query head).
struct DecodeSegment {
  const float* query = nullptr;  // [rows, d]
  std::size_t rows = 0;
  const float* key = nullptr;      // [length, d]
  const float* value = nullptr;    // [length, d]
  std::size_t length = 0;          // ≥ 1; every listed key is visible
  float* output = nullptr;         // [rows, d]
  float* probabilities = nullptr;  // [rows, length] or null
};

// softmax(q Kᵀ · scale) V for every segment, each by one task in a fixed order: threads do not change a bit. A row with
// a logit that is NaN or Inf comes out as NaN.
void raggedDecodeAttention(std::span<const DecodeSegment> segments, std::size_t head_dim, float scale,
                           unsigned threads = 0);
void raggedDecodeAttentionReference(std::span<const DecodeSegment> segments, std::size_t head_dim, float scale);

}  // namespace kvatlas::kernels
