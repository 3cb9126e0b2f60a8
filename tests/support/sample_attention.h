// Random queries and keys with language-model-like attention, and naive softmax rows over them.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "core/trace/records.h"
#include "tests/support/sample_trace.h"

namespace kvatlas::test {

// One layer's queries and keys over prompt and generated tokens, rounded to bf16 so that stored bits are exact.
class SampleAttention {
 public:
  SampleAttention(const SampleTraceOptions& options, std::uint32_t layer);

  // Probabilities of query `row` of a query head over keys 0 … row (0 outside the sliding window), and its log-sum-exp.
  [[nodiscard]] std::vector<double> row(std::uint32_t head, std::uint32_t row, double* lse = nullptr) const;

  [[nodiscard]] std::vector<std::uint16_t> queryBits() const;  // [query_heads, N, d]
  [[nodiscard]] std::vector<std::uint16_t> keyBits() const;    // [kv_heads, N, d]
  [[nodiscard]] std::vector<float> keyNorms() const;           // [kv_heads, N]

 private:
  [[nodiscard]] const float* key(std::uint32_t head, std::uint32_t token) const;
  [[nodiscard]] const float* query(std::uint32_t head, std::uint32_t token) const;

  SampleTraceOptions m_options;
  std::uint32_t m_total;
  std::vector<float> m_query, m_key;
};

// Tokens of the planted fact.
struct NeedleRange {
  std::uint32_t begin, end;
};
[[nodiscard]] NeedleRange needleRange(const SampleTraceOptions& options);

// Uniform in [0, 1), and roughly normal; the same numbers with every standard library.
[[nodiscard]] double uniform(std::mt19937& random);
[[nodiscard]] double normal(std::mt19937& random);

}  // namespace kvatlas::test
