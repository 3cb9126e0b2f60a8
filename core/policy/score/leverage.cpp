// Statistical leverage of keys before their rotation, from a random sketch (Compactor, Chari and Van Durme,
// arXiv:2507.08143).
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec measured(ParameterSpec spec) {
  spec.of_signal = true;
  return spec;
}

constexpr ParameterSpec kParameters[] = {{.name = "sketch",
                                          .values = "a whole number from 1 to 1024",
                                          .default_value = "48",
                                          .paper_value = "48",
                                          .meaning = "dimensions of the sketch",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 1,
                                          .highest = 1024,
                                          .of_signal = true},
                                         measured(kSeedParameter)};

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  std::vector<float> all(signals[Signal::Leverage].begin(), signals[Signal::Leverage].end());
  standardise(all);
  LayerSignals standard = signals;
  standard[Signal::Leverage] = all;
  return kvHeadScores(setting, standard, Signal::Leverage);
}

}  // namespace

ScorePart leverageScore() {
  return {.name = "leverage",
          .meaning = "statistical leverage of a key, from a random sketch",
          .needs = {Signal::Leverage},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
