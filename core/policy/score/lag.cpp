// How much keys and values vary relative to the part of the prompt that follows (LagKV, Liang et al.,
// arXiv:2504.04704).
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "lag",
                                          .values = "a whole number from 2 to 65536",
                                          .default_value = "128",
                                          .paper_value = "128",
                                          .meaning = "tokens of a part; each is compared with the next",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 2,
                                          .highest = 65536,
                                          .of_signal = true},
                                         measuredSinksParameter("first tokens, always kept")};

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  return kvHeadScores(setting, signals, Signal::LagScore);
}

}  // namespace

ScorePart lagScore() {
  return {.name = "lag",
          .meaning = "rank by the spread of key and value, in units of the next part's range",
          .needs = {Signal::LagScore},
          .parameters = kParameters,
          .score = score};
}

}  // namespace kvatlas::policy
