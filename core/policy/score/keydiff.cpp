// Keys unlike the others first (KeyDiff, Park et al., arXiv:2504.15364).
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  LayerScores scores = kvHeadScores(setting, signals, Signal::KeySimilarity);
  for (float& value : scores.values) value = -value;
  return scores;
}

}  // namespace

ScorePart keydiffScore() {
  return {.name = "keydiff",
          .meaning = "minus the cosine of a key and the mean direction of all keys",
          .needs = {Signal::KeySimilarity},
          .score = score};
}

}  // namespace kvatlas::policy
