// The window's attention as a mean over its queries: where something is added to the score, its scale matters.
#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kKernelParameter, kPoolingParameter, kGroupParameter};

LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  LayerScores scores = pooledWindowScores(setting, layer, signals);
  const auto queries = static_cast<float>(std::min(setting.window, setting.shape.tokens));
  for (float& value : scores.values) value /= queries;
  return scores;
}

}  // namespace

ScorePart window_meanScore() {
  return {.name = "window-mean",
          .meaning = "as window, as a mean over the queries",
          .needs = {Signal::WindowSum},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
