// Scores times something of each token's value: attention to a token matters as much as its value is large.
#include <algorithm>
#include <array>

#include "core/policy/parameters.h"
#include "core/policy/parts.h"
#include "core/policy/scoring.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

void multiply(const Setting& setting, const LayerSignals& signals, LayerScores& scores) {
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const std::vector<float> weights = valueWeights(setting, Signal::ValueNorm, signals, head, scores.candidates);
    float* const row = scores.values.data() + std::size_t{head} * scores.candidates;
    for (std::uint32_t j = 0; j < scores.candidates; ++j) row[j] *= weights[j];
  }
}

constexpr ParameterSpec kOutputParameters[] = {{.name = "first",
                                                .values = "a number from 0 to 1",
                                                .default_value = "0.5",
                                                .paper_value = "0.5",
                                                .meaning = "share of the budget that the plain score chooses",
                                                .kind = ParameterKind::Number,
                                                .lowest = 0,
                                                .highest = 1},
                                               {.name = "epsilon",
                                                .values = "a number from 0 to 1",
                                                .default_value = "0.0001",
                                                .paper_value = "0.0001",
                                                .meaning = "added to a score before it is multiplied",
                                                .kind = ParameterKind::Number,
                                                .lowest = 0,
                                                .highest = 1}};

// CriticalKV (Feng et al., arXiv:2502.03805): the plain score chooses a part of the budget, which is put first; the
// rest is chosen by (score + ε) · ‖W_o v‖₁.
void inTwoStages(const Setting& setting, const LayerSignals& signals, LayerScores& scores) {
  const auto first =
      static_cast<std::uint32_t>(static_cast<double>(setting.budget) * numberParameter(setting, "first"));
  const auto epsilon = static_cast<float>(numberParameter(setting, "epsilon"));
  std::vector<std::vector<TokenIndex>> chosen;
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    chosen.push_back(topPositions(scores.head(head), first - std::min(first, setting.recent)));
    const std::vector<float> weights = valueWeights(setting, Signal::OutputNorm, signals, head, scores.candidates);
    float* const row = scores.values.data() + std::size_t{head} * scores.candidates;
    for (std::uint32_t j = 0; j < scores.candidates; ++j) row[j] = (row[j] + epsilon) * weights[j];
  }
  const float best = scores.values.empty() ? 0.0F : *std::ranges::max_element(scores.values);
  for (std::uint32_t head = 0; head < scores.heads; ++head)
    for (const TokenIndex position : chosen[head])
      scores.values[std::size_t{head} * scores.candidates + position] = best + 1;
}

}  // namespace

std::span<const ValuesPart> valuesParts() {
  static const std::array table{
      ValuesPart{.name = "off", .meaning = "scores as they are"},
      ValuesPart{.name = "on",
                 .meaning = "scores times the L2 norm of a token's value",
                 .needs = {Signal::ValueNorm},
                 .weigh = multiply},
      ValuesPart{
          .name = "output",
          .meaning = "in two stages: plain scores, then scores times the L1 norm of what a value adds to the output",
          .needs = {Signal::OutputNorm},
          .parameters = kOutputParameters,
          .weigh = inTwoStages,
          .reads_budget = true}};
  return table;
}

}  // namespace kvatlas::policy
