#include "core/analysis/mass.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "core/base/error.h"

namespace kvatlas::analysis {
namespace {

double sum(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// log Σ exp(logits), the largest taken out first.
double logSumExp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  if (std::isinf(largest)) return largest;
  double total = 0;
  for (const float logit : logits) total += std::exp(logit - largest);
  return largest + std::log(total);
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
  // The bits of floats ≥ 0 order as the floats do, and as integers they are a total order even where one is NaN.
  std::vector<std::int32_t> keys(prompt_tokens);
  std::transform(probabilities.begin(), probabilities.begin() + prompt_tokens, keys.begin(),
                 [](float p) { return std::bit_cast<std::int32_t>(p); });
  std::vector<std::uint32_t> steps(sizes.begin(), sizes.end());
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());

  // From the largest set inwards: each holds the next smaller one, so only its own members are looked at again.
  auto end = keys.end();
  for (auto size = steps.rbegin(); size != steps.rend(); ++size) {
    const auto border = keys.begin() + std::min(*size, prompt_tokens);
    if (border != end) std::nth_element(keys.begin(), border, end, std::greater<>());
    end = border;
  }

  std::vector<double> mass_of_step(steps.size());
  double mass = sum(probabilities.subspan(prompt_tokens));
  auto done = keys.begin();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const auto border = keys.begin() + std::min(steps[i], prompt_tokens); done != border; ++done)
      mass += std::bit_cast<float>(*done);
    mass_of_step[i] = mass;
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
  return divergence < 0 ? 0 : divergence;  // rounding alone can lead below 0
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
