#include "core/analysis/mass.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "core/base/error.h"

namespace kvatlas::analysis {
namespace {

double sum(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// log Σ exp(logits), with the maximum factored out.
double logSumExp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  if (std::isinf(largest)) return largest;
  double total = 0;
  for (const float logit : logits) total += std::exp(logit - largest);
  return largest + std::log(total);
}

// Groups probabilities by their bits, which order like floats ≥ 0 (and as integers are a total order even with NaN),
// into buckets of equal leading bits, largest first. Two passes without a branch to mispredict; only the few buckets
// that contain a boundary then need exact order.
struct BucketedKeys {
  static constexpr std::uint32_t kBuckets =
      2048;  // exponent and 4 bits of mantissa of 0 … 1; all above 1 share the first
  std::vector<std::uint32_t> keys;
  std::array<std::int32_t, kBuckets + 1> starts{};

  static std::uint32_t bucket(std::uint32_t key) { return kBuckets - 1 - std::min(key >> 19, kBuckets - 1); }
  [[nodiscard]] std::pair<std::int32_t, std::int32_t> bucketOf(std::uint32_t key) const {
    return {starts[bucket(key)], starts[bucket(key) + 1]};
  }
};

BucketedKeys bucketDescending(std::span<const float> probabilities) {
  BucketedKeys sorted;
  sorted.keys.resize(probabilities.size());
  for (const float p : probabilities) ++sorted.starts[BucketedKeys::bucket(std::bit_cast<std::uint32_t>(p)) + 1];
  std::partial_sum(sorted.starts.begin(), sorted.starts.end(), sorted.starts.begin());
  auto next = sorted.starts;
  for (const float p : probabilities) {
    const auto key = std::bit_cast<std::uint32_t>(p);
    sorted.keys[static_cast<std::size_t>(next[BucketedKeys::bucket(key)]++)] = key;
  }
  return sorted;
}

}  // namespace

double retainedMass(std::span<const float> probabilities, std::uint32_t prompt_tokens,
                    std::span<const TokenIndex> kept) {
  double mass = 0;
  for (const TokenIndex position : kept) mass += probabilities[position];
  return mass + sum(probabilities.subspan(prompt_tokens));
}

std::vector<double> oracleMass(std::span<const float> probabilities, std::uint32_t prompt_tokens,
                               std::span<const std::uint32_t> sizes) {
  std::vector<std::uint32_t> steps(sizes.begin(), sizes.end());
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());

  BucketedKeys sorted = bucketDescending(probabilities.first(prompt_tokens));
  std::vector<double> mass_of_step;
  double mass = sum(probabilities.subspan(prompt_tokens));
  auto done = sorted.keys.begin();
  for (const std::uint32_t step : steps) {
    const auto border = sorted.keys.begin() + std::min(step, prompt_tokens);
    if (border != sorted.keys.end()) {
      const auto [first, last] = sorted.bucketOf(*border);
      std::nth_element(std::max(sorted.keys.begin() + first, done), border, sorted.keys.begin() + last,
                       std::greater<>());
    }
    for (; done != border; ++done) mass += std::bit_cast<float>(*done);
    mass_of_step.push_back(mass);
  }
  std::vector<double> masses(sizes.size());
  std::transform(sizes.begin(), sizes.end(), masses.begin(), [&](std::uint32_t size) {
    return mass_of_step[static_cast<std::size_t>(std::lower_bound(steps.begin(), steps.end(), size) - steps.begin())];
  });
  return masses;
}

double klDivergence(std::span<const float> p_logits, std::span<const float> q_logits) {
  if (p_logits.size() != q_logits.size() || p_logits.empty())
    fail("KL divergence of distributions over {} and {} tokens", p_logits.size(), q_logits.size());
  const double p_norm = logSumExp(p_logits), q_norm = logSumExp(q_logits);
  double divergence = 0;
  for (std::size_t i = 0; i < p_logits.size(); ++i) {
    const double log_p = p_logits[i] - p_norm;
    const double p = std::exp(log_p);
    if (p != 0) divergence += p * (log_p - (q_logits[i] - q_norm));  // 0 · log 0 is 0
  }
  return divergence < 0 ? 0 : divergence;  // only rounding makes it negative
}

double jaccard(std::span<const TokenIndex> a, std::span<const TokenIndex> b) {
  std::size_t common = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    common += *i == *j ? 1 : 0;
    const TokenIndex left = *i, right = *j;
    if (left <= right) ++i;
    if (right <= left) ++j;
  }
  const std::size_t either = a.size() + b.size() - common;
  return either == 0 ? 1.0 : static_cast<double>(common) / static_cast<double>(either);
}

}  // namespace kvatlas::analysis
