// A probe with its inputs and outputs in memory, and the comparison of two such outputs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/attention_probe.h"

namespace kvatlas::kernels {

struct ProbeBuffers {
  std::vector<float> lse, entropy, received, window_sum, window_rows, map_mean, map_max;
  ProbeOutput output;
  ProbeBuffers(const ProbeShape& shape, std::size_t cell);
  ProbeBuffers(const ProbeBuffers&) = delete;
  ProbeBuffers& operator=(const ProbeBuffers&) = delete;
  bool operator==(const ProbeBuffers& other) const;
};

struct ProbeCase {
  ProbeShape shape;
  std::size_t cell = 4;
  std::vector<float> query;
  std::vector<float> key;
  std::vector<std::uint16_t> query_bits, key_bits;  // if not empty, the input uses these
  [[nodiscard]] ProbeInput input(const float* lse = nullptr) const {
    if (query_bits.empty()) return {query.data(), key.data(), lse};
    return {query_bits.data(), key_bits.data(), lse};
  }
};

// Normally distributed query and key with the given standard deviation, the same in every run.
ProbeCase randomCase(const ProbeShape& shape, std::size_t cell, float spread = 1.0F, unsigned seed = 1);

// The same numbers rounded to bf16, as bits.
ProbeCase inBf16(ProbeCase c);

// Largest |a − b| / max(|b|, floor).
double worstError(const std::vector<float>& actual, const std::vector<float>& expected, double floor);

// Every output of attentionProbe against the double-precision reference: sums and single probabilities to 1e-5
// relative.
void expectMatchesReference(const ProbeCase& c, double tolerance = 1e-5, double lse_tolerance = 2e-6);

}  // namespace kvatlas::kernels
