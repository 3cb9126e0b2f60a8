// Attention received, divided by the number of queries that see the token: without the head start of early tokens.
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kGroupParameter};

// A sliding window is not taken into account, as in kvpress.
LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  LayerScores scores = headScores(setting, layer, signals, Signal::Received);
  for (std::size_t i = 0; i < scores.values.size(); ++i)
    scores.values[i] /=
        static_cast<float>(setting.tokensSoFar() - setting.positionOf(i / scores.candidates, i % scores.candidates));
  return scores;
}

}  // namespace

ScorePart observedScore() {
  return {.name = "observed",
          .meaning = "attention received, per query that sees the token",
          .needs = {Signal::Received},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
