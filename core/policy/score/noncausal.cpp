// Attention within chunks of the prompt, in both directions, times the norm of the value (Compactor, Chari and Van
// Durme, arXiv:2507.08143).
#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "chunk",
                                          .values = "a whole number from 1 to 65536",
                                          .default_value = "256",
                                          .paper_value = "256",
                                          .meaning = "tokens that see each other",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 1,
                                          .highest = 65536,
                                          .of_signal = true},
                                         kGroupParameter};

// The mean of three neighbours is over the whole prompt, so the candidates are cut off afterwards.
LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  Setting whole = setting;
  whole.recent = 0;
  LayerScores all = headScores(whole, layer, signals, Signal::NonCausal), scores = emptyScores(setting);
  for (std::uint32_t head = 0; head < all.heads; ++head) {
    float* const row = all.values.data() + std::size_t{head} * all.candidates;
    const std::span<const float> norms = kvRow(setting, signals[Signal::ValueNorm], head);
    for (std::uint32_t j = 0; j < all.candidates; ++j) row[j] *= norms[j];
    const std::vector<float> pooled = averagePool(all.head(head), 3);
    std::ranges::copy(pooled, row);
  }
  standardise(all.values);
  for (std::uint32_t head = 0; head < all.heads; ++head) {
    const std::span<const float> row = all.head(head).first(scores.candidates);
    scores.values.insert(scores.values.end(), row.begin(), row.end());
  }
  return scores;
}

}  // namespace

ScorePart noncausalScore() {
  return {.name = "noncausal",
          .meaning = "attention within chunks, in both directions, times the norm of the value",
          .needs = {Signal::NonCausal, Signal::ValueNorm},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
