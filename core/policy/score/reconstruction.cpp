// The most attention that a key receives while the model repeats its prompt (KVzip, Kim et al., arXiv:2505.23416).
#include <algorithm>

#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "chunk",
                                          .values = "a whole number from 1 to 65536",
                                          .default_value = "2048",
                                          .paper_value = "2048",
                                          .meaning = "tokens that one pass repeats",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 1,
                                          .highest = 65536,
                                          .of_signal = true},
                                         measuredSinksParameter("first tokens, always kept, seen with every chunk")};

LayerScores score(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  return kvHeadScores(setting, signals, Signal::Reconstruction);
}

// No probability exceeds 1, whatever the layer.
void finish(const Setting& setting, LayerScores& scores) {
  const float best = scores.values.empty() ? 0.0F : *std::ranges::max_element(scores.values);
  putFirst(setting, std::max(best, 1.0F) + 1, scores);
}

}  // namespace

ScorePart reconstructionScore() {
  return {.name = "reconstruction",
          .meaning = "the most attention a key receives while the model repeats the prompt, in a pass of its own",
          .needs = {Signal::Reconstruction},
          .parameters = kParameters,
          .score = score,
          .finish = finish};
}

}  // namespace kvatlas::policy
