// TOVA (Oren et al., arXiv:2401.06104): what the last query looks at, averaged over all heads of a layer, so that all
// of them keep the same tokens. Published with a decision after every token (every=1). The last token is always kept.
#include <algorithm>

#include "core/policy/selection.h"
#include "core/policy/table.h"

namespace kvatlas::policy {
namespace {

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  const std::size_t tokens = setting.shape.tokens, window = std::min<std::size_t>(setting.window, tokens);
  const std::span<const float> rows = signals[Signal::WindowRows];  // [query heads, W, N]
  LayerScores scores{.heads = setting.heads(), .candidates = setting.shape.tokens - 1};
  std::vector<double> sum(scores.candidates, 0.0);
  for (std::size_t head = 0; head < setting.shape.query_heads; ++head) {
    const auto last = rows.subspan((head * window + window - 1) * tokens, tokens);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(last[j]);
  }
  for (std::uint32_t head = 0; head < scores.heads; ++head)
    for (const double mass : sum) scores.values.push_back(static_cast<float>(mass / setting.shape.query_heads));
  return scores;
}

std::vector<TokenIndex> select(const Setting& setting, LayerIndex, std::span<const float> head_scores,
                               std::uint32_t capacity) {
  std::vector<TokenIndex> kept = topPositions(head_scores, std::min(capacity, setting.shape.tokens) - 1);
  kept.push_back(setting.shape.tokens - 1);
  return kept;
}

Reason reason(const Setting& setting, TokenIndex position) {
  return position + 1 == setting.shape.tokens ? Reason::Window : Reason::Score;
}

}  // namespace

Method tovaMethod() {
  return {.name = "tova",
          .title = "TOVA",
          .paper = "arXiv:2401.06104",
          .needs = {Signal::WindowRows},
          .score = score,
          .allocate = allocateUniform,
          .select = select,
          .reason = reason};
}

}  // namespace kvatlas::policy
