// Layers get budget by how spread and how changing their attention is (CAKE, Qin et al., arXiv:2503.12491): the
// preference of a layer is entropy^(1/τ₁) · variance^(1/τ₂) of the window's attention.
#include <algorithm>
#include <cmath>

#include "core/policy/allocation.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec temperature(std::string_view name, std::string_view meaning) {
  return {.name = name,
          .values = "a number from 0.01 to 100",
          .default_value = "1",
          .paper_value = "1",
          .meaning = meaning,
          .kind = ParameterKind::Number,
          .lowest = 0.01,
          .highest = 100,
          .changes_score = false};
}

constexpr ParameterSpec kParameters[] = {temperature("tau1", "the smaller, the more a layer's entropy counts"),
                                         temperature("tau2", "the smaller, the more a layer's variance counts")};

// Entropy and variance over the queries, summed over heads, of attention to what is not the window.
std::vector<double> facts(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  const std::size_t tokens = setting.shape.tokens, queries = std::min<std::size_t>(setting.window, tokens);
  double entropy = 0, variance = 0;
  for (std::size_t head = 0; head < setting.shape.query_heads; ++head) {
    const auto rows = signals[Signal::WindowRows].subspan(head * queries * tokens, queries * tokens);
    for (std::size_t j = 0; j + queries < tokens; ++j) {
      double sum = 0, squares = 0;
      for (std::size_t row = 0; row < queries; ++row) {
        const auto mass = static_cast<double>(rows[row * tokens + j]);
        entropy -= mass * std::log(mass + 1e-10);
        sum += mass;
        squares += mass * mass;
      }
      const auto count = static_cast<double>(queries);
      variance += std::max(0.0, squares - sum * sum / count) / std::max(1.0, count - 1);
    }
  }
  return {entropy, variance};
}

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores> scores) {
  const double tau1 = numberParameter(setting, "tau1"), tau2 = numberParameter(setting, "tau2");
  // In logarithms, relative to the largest: small temperatures overflow otherwise.
  std::vector<double> preference;
  for (const LayerScores& layer : scores)
    preference.push_back(std::log(std::max(layer.facts.at(0), 1e-300)) / tau1 +
                         std::log(std::max(layer.facts.at(1), 1e-300)) / tau2);
  const double most = *std::ranges::max_element(preference);
  for (double& one : preference) one = std::exp(one - most);
  return everyHead(
      setting, boundedToSum(preference, setting.budget * setting.shape.layers,
                            std::min<std::uint32_t>(setting.recent + 1, setting.shape.tokens), setting.shape.tokens));
}

}  // namespace

AllocatePart preferenceAllocation() {
  return {.name = "preference",
          .meaning = "layers by the entropy and variance of their window's attention",
          .needs = {Signal::WindowRows},
          .parameters = kParameters,
          .allocate = allocate,
          .facts = facts};
}

}  // namespace kvatlas::policy
