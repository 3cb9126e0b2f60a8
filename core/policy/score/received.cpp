// Heavy hitters: attention received from all queries (H2O, Zhang et al., arXiv:2306.14048), at the end of the prompt.
// As in the published comparison: causal attention, no pooling or length normalisation.
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kGroupParameter};

LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  return headScores(setting, layer, signals, Signal::Received);
}

}  // namespace

ScorePart receivedScore() {
  return {.name = "received",
          .meaning = "attention received from all queries",
          .needs = {Signal::Received},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
