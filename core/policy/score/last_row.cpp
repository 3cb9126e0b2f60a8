// What the last query looks at, averaged over all heads of a layer, so that all of them keep the same tokens (TOVA,
// Oren et al., arXiv:2401.06104).
#include <algorithm>

#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  const std::size_t tokens = setting.shape.tokens, window = std::min<std::size_t>(setting.window, tokens);
  const std::span<const float> rows = signals[Signal::WindowRows];  // [query heads, W, N]
  LayerScores scores = emptyScores(setting);
  std::vector<double> sum(scores.candidates, 0.0);
  for (std::size_t head = 0; head < setting.shape.query_heads; ++head) {
    const auto last = rows.subspan((head * window + window - 1) * tokens, tokens);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(last[j]);
  }
  for (std::uint32_t head = 0; head < scores.heads; ++head)
    for (const double mass : sum) scores.values.push_back(static_cast<float>(mass / setting.shape.query_heads));
  return scores;
}

}  // namespace

ScorePart last_rowScore() {
  return {.name = "last-row",
          .meaning = "attention of the last query, averaged over the layer's heads",
          .needs = {Signal::WindowRows},
          .score = score};
}

}  // namespace kvatlas::policy
