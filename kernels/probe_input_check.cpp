#include "kernels/probe_input_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/parallel.h"

namespace kvatlas::kernels {

namespace {

// NaN and Inf propagate: a sum of squares is finite exactly when every element is (floats cannot overflow a double
// sum).
double squaredNorm(FloatArray row, std::size_t count) {
  double lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      lanes[lane] += static_cast<double>(row[i + lane]) * static_cast<double>(row[i + lane]);
    }
  }
  for (; i < count; ++i) {
    lanes[0] += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  }
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// Logits and exponents up to this limit stay finite in every step of the probe.
double largestLogit(float scale) {
  const double log2_scale = static_cast<double>(scale) * std::numbers::log2e;
  return static_cast<double>(std::numeric_limits<float>::max()) / (8 * std::max(1.0, log2_scale));
}

// The largest squared norm among the KV head's keys [0, i]. NaN propagates.
std::vector<double> prefixKeyNorms(const ProbeShape& shape, FloatArray key) {
  std::vector<double> largest(shape.tokens);
  double top = 0;
  for (std::size_t i = 0; i < shape.tokens; ++i) {
    const double norm = squaredNorm(key.from(i * shape.head_dim), shape.head_dim);
    top = norm <= top ? top : norm;
    largest[i] = top;
  }
  return largest;
}

std::ptrdiff_t firstBadQuery(const ProbeShape& shape, const ProbeInput& input, const std::vector<double>& key_norms,
                             std::size_t head) {
  const double limit = largestLogit(shape.scale);
  const FloatArray query = input.query.from(head * shape.tokens * shape.head_dim);
  const float* const lse = input.lse == nullptr ? nullptr : input.lse + head * shape.tokens;
  for (std::size_t i = 0; i < shape.tokens; ++i) {
    const double norms = squaredNorm(query.from(i * shape.head_dim), shape.head_dim) * key_norms[i];
    const bool logits_finite = norms < limit * limit;  // false for NaN and for Inf · 0
    const bool lse_finite = lse == nullptr || std::abs(static_cast<double>(lse[i]) /
                                                       std::min(1.0, static_cast<double>(shape.scale))) < limit;
    if (!logits_finite || !lse_finite) {
      return static_cast<std::ptrdiff_t>(i);
    }
  }
  return -1;
}

}  // namespace

ProbeReport firstNonFinite(const ProbeShape& shape, const ProbeInput& input, unsigned threads) {
  const std::size_t group = shape.query_heads / shape.kv_heads;
  std::vector<std::ptrdiff_t> bad(shape.query_heads, -1);
  parallelFor(shape.kv_heads, threads, [&](std::size_t kv_head, unsigned) {
    const auto norms = prefixKeyNorms(shape, input.key.from(kv_head * shape.tokens * shape.head_dim));
    for (std::size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      bad[head] = firstBadQuery(shape, input, norms, head);
    }
  });
  const auto first = std::find_if(bad.begin(), bad.end(), [](std::ptrdiff_t query) { return query >= 0; });
  return first == bad.end() ? ProbeReport{} : ProbeReport{first - bad.begin(), *first};
}

}  // namespace kvatlas::kernels
