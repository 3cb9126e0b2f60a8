// Some of the best scores, the rest drawn at random in proportion to exp(score / T) (NACL, Chen et al.,
// arXiv:2408.03675; Scissorhands, Liu et al., arXiv:2305.17118). Drawing without replacement is taking the largest
// score / T + Gumbel noise (Gumbel-top-k: Kool et al., arXiv:1903.06059); the noise depends on seed, layer, head and
// position alone.
#include <algorithm>
#include <cmath>

#include "core/base/random.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/selection.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "share",
                                          .values = "a number from 0 to 1",
                                          .default_value = "0.3",
                                          .paper_value = "0.3",
                                          .meaning = "share of the budget that is drawn",
                                          .kind = ParameterKind::Number,
                                          .lowest = 0,
                                          .highest = 1},
                                         {.name = "temperature",
                                          .values = "a number from 0 to 1000000",
                                          .default_value = "1",
                                          .paper_value = "1",
                                          .meaning = "T of exp(score / T), 0: all are drawn alike",
                                          .kind = ParameterKind::Number,
                                          .lowest = 0,
                                          .highest = 1'000'000},
                                         kSeedParameter};

double gumbel(std::uint64_t hash) {
  return -std::log(-std::log(uniformOf(hash) + 0x1p-54));
}

void reshape(const Setting& setting, LayerIndex layer, LayerScores& scores) {
  const double temperature = numberParameter(setting, "temperature"), share = numberParameter(setting, "share");
  const auto seed = static_cast<std::uint64_t>(integerParameter(setting, "seed"));
  const auto budget = static_cast<double>(setting.budget - std::min<std::uint64_t>(setting.recent, setting.budget));
  const auto best = static_cast<std::size_t>(std::llround(budget * (1 - share)));
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const std::vector<TokenIndex> chosen = topPositions(scores.head(head), best);
    const std::uint64_t stream = hashOf(hashOf(hashOf(seed, 0x73616d70ULL), layer.value), head);
    float* const row = scores.values.data() + std::size_t{head} * scores.candidates;
    float most = 0;
    for (std::uint32_t j = 0; j < scores.candidates; ++j) {
      const double logit = temperature > 0 ? static_cast<double>(row[j]) / temperature : 0.0;
      row[j] = static_cast<float>(logit + gumbel(hashOf(stream, j)));
      most = std::max(most, row[j]);
    }
    for (const TokenIndex position : chosen) row[position] = most + 1;
  }
}

}  // namespace

SelectPart sampledSelection() {
  return {.name = "sampled",
          .meaning = "some of the best scores, the rest drawn in proportion to them, and the last W tokens",
          .parameters = kParameters,
          .select = selectTopAndRecent,
          .reshape = reshape,
          .by_rank = true,
          .reads_budget = true};
}

}  // namespace kvatlas::policy
