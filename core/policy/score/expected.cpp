// The attention that future queries are expected to give, from the mean and covariance of the prompt's queries
// (Expected Attention, Devoto et al., arXiv:2510.00636).
#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/parts.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "future",
                                          .values = "a whole number from 1 to 65536",
                                          .default_value = "512",
                                          .paper_value = "512",
                                          .meaning = "positions behind the prompt that may ask",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 1,
                                          .highest = 65536,
                                          .of_signal = true},
                                         {.name = "covariance",
                                          .values = "on|off",
                                          .default_value = "on",
                                          .paper_value = "on",
                                          .meaning = "whether the queries' covariance counts",
                                          .of_signal = true},
                                         measuredSinksParameter("first tokens, always kept and no part of the mean"),
                                         kGroupParameter};

// Sinks are put first last: values that are multiplied come before them.
LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals& signals) {
  return headScores(setting, layer, signals, Signal::Expected);
}

void finish(const Setting& setting, LayerScores& scores) {
  const float best = scores.values.empty() ? 0.0F : *std::ranges::max_element(scores.values);
  putFirst(setting, best + 1, scores);
}

}  // namespace

ScorePart expectedScore() {
  return {.name = "expected",
          .meaning = "the attention that future queries are expected to give",
          .needs = {Signal::Expected},
          .parameters = kParameters,
          .score = score,
          .finish = finish};
}

}  // namespace kvatlas::policy
