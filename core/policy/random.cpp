// A random choice of the budget's size: what a method has to beat. A fixed integer hash, so that one seed keeps the
// same tokens on every machine.
#include "core/base/random.h"
#include "core/policy/parameters.h"
#include "core/policy/selection.h"
#include "core/policy/table.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "seed",
                                          .values = "a whole number from 0 to 4294967295",
                                          .default_value = "0",
                                          .paper_value = "0",
                                          .meaning = "which random choice",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 0,
                                          .highest = 4294967295}};

std::uint64_t mixed(std::uint64_t value) {
  return mixedBits(value + kRandomStep);
}

// Uniform in [0, 1): 24 bits, which a float holds exactly.
LayerScores score(const Setting& setting, LayerIndex layer, const LayerSignals&) {
  LayerScores scores{.heads = setting.heads(), .candidates = setting.shape.tokens - setting.window};
  const auto seed = static_cast<std::uint64_t>(integerParameter(setting, "seed"));
  for (std::uint32_t head = 0; head < scores.heads; ++head) {
    const std::uint64_t stream = mixed(mixed(mixed(seed) ^ layer.value) ^ head);
    for (std::uint32_t position = 0; position < scores.candidates; ++position)
      scores.values.push_back(static_cast<float>(mixed(stream ^ position) >> 40U) * 0x1p-24F);
  }
  return scores;
}

}  // namespace

Method randomMethod() {
  return {.name = "random",
          .title = "Random",
          .parameters = kParameters,
          .score = score,
          .allocate = allocateUniform,
          .select = selectTopAndWindow,
          .selects_by_rank = true};
}

}  // namespace kvatlas::policy
