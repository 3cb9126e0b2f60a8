// A random score: the baseline for every method. A fixed integer hash, so that one seed keeps the same tokens on every
// machine.
#include "core/base/random.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/scoring.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kSeedParameter};

std::uint64_t mixed(std::uint64_t value) {
  return mixedBits(value + kRandomStep);
}

// Uniform in [0, 1): 24 bits, which a float holds exactly.
LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals&) {
  LayerScores scores = emptyScores(setting);
  const auto seed = static_cast<std::uint64_t>(integerParameter(setting, "seed"));
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const std::uint64_t stream = mixed(mixed(mixed(seed) ^ layer.value) ^ head);
    for (std::uint32_t position = 0; position < scores.candidates; ++position)
      scores.values.push_back(static_cast<float>(mixed(stream ^ position) >> 40U) * 0x1p-24F);
  }
  return scores;
}

}  // namespace

ScorePart randomScore() {
  return {.name = "random", .meaning = "a random number", .parameters = kParameters, .score = score};
}

}  // namespace kvatlas::policy
