// Small keys first: keys of low L2 norm tend to receive much attention (Devoto et al., arXiv:2406.11430).
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  LayerScores scores = kvHeadScores(setting, signals, Signal::KeyNorm);
  for (float& value : scores.values) value = -value;
  return scores;
}

}  // namespace

ScorePart key_normScore() {
  return {.name = "key-norm", .meaning = "minus the L2 norm of a key", .needs = {Signal::KeyNorm}, .score = score};
}

}  // namespace kvatlas::policy
