// The most that the last query's logit can be over the keys of a token's page (Quest, Tang et al., arXiv:2406.10774):
// equal for a whole page, so that pages are kept whole, the first ones of equals first.
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kPageParameter, kGroupParameter, kEvictParameter};

LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  return headScores(setting, layer, signals, Signal::PageBound);
}

}  // namespace

ScorePart page_boundScore() {
  return {.name = "page-bound",
          .meaning = "the most that the last query's logit can be in a token's page",
          .needs = {Signal::PageBound},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
