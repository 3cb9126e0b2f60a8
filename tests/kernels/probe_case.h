// A probe with its inputs and outputs in memory, and the comparison of two such outputs; knows the probe's contract
// only.
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
  [[nodiscard]] ProbeInput input(const float* lse = nullptr) const { return {query.data(), key.data(), lse}; }
};

// Normally distributed query and key of the given spread, the same in every run.
ProbeCase randomCase(const ProbeShape& shape, std::size_t cell, float spread = 1.0F, unsigned seed = 1);

// Largest |a − b| / max(|b|, floor).
double worstError(const std::vector<float>& actual, const std::vector<float>& expected, double floor);

// Every output of attentionProbe against the double-precision reference: sums to 1e-5 relative, single probabilities
// likewise.
void expectMatchesReference(const ProbeCase& c, double tolerance = 1e-5, double lse_tolerance = 2e-6);

}  // namespace kvatlas::kernels
