// H2O (Zhang et al., arXiv:2306.14048) at the end of the prompt: heavy hitters by attention received from every query.
// As in the published comparison: causal attention, no pooling, no length normalisation, the last W tokens always kept.
#include "core/policy/parameters.h"
#include "core/policy/scoring.h"
#include "core/policy/selection.h"
#include "core/policy/table.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kGroupParameter};

LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  return headScores(setting, layer, signals, Signal::Received);
}

}  // namespace

Method h2oMethod() {
  return {.name = "h2o",
          .title = "H2O",
          .paper = "arXiv:2306.14048",
          .needs = {Signal::Received},
          .parameters = kParameters,
          .score = score,
          .allocate = allocateUniform,
          .select = selectTopAndWindow,
          .selects_by_rank = true};
}

}  // namespace kvatlas::policy
