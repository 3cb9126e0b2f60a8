// Layers whose last query looks at the first and the most recent tokens alone are lazy, and keep only those
// (SimLayerKV, Zhang et al., arXiv:2410.13846); the others keep everything. Published with a threshold; here the
// laziest layers give up as much as the budget asks for.
#include <algorithm>

#include "core/policy/allocation.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/whole_lists.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {sinksParameter("first tokens, always kept", false),
                                         {.name = "near",
                                          .values = "a whole number from 1 to 1000000",
                                          .default_value = "1024",
                                          .paper_value = "1024",
                                          .meaning = "recent tokens that tell a lazy layer, at most half of the prompt",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 1,
                                          .highest = 1'000'000,
                                          .changes_score = false}};

// The last query's attention to what is neither first nor recent, a mean over the heads. kvpress does not count the
// query's own token: its recent tokens end before it.
std::vector<double> facts(const Setting& setting, LayerIndex, const LayerSignals& signals) {
  const std::size_t tokens = setting.shape.tokens, queries = std::min<std::size_t>(setting.window, tokens);
  const auto sinks = static_cast<std::size_t>(integerParameter(setting, "sinks"));
  const std::size_t near = std::min(static_cast<std::size_t>(integerParameter(setting, "near")), tokens / 2);
  const std::size_t own = setting.preset == Preset::Kvpress ? 1 : 0;
  double between = 0;
  for (std::size_t head = 0; head < setting.shape.query_heads; ++head) {
    const auto row = signals[Signal::WindowRows].subspan((head * queries + queries - 1) * tokens, tokens);
    for (std::size_t j = sinks; j + near + own < tokens; ++j) between += static_cast<double>(row[j]);
    if (own > 0) between += static_cast<double>(row.back());
  }
  return {between / setting.shape.query_heads};
}

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores> scores) {
  std::vector<double> between;
  for (const LayerScores& layer : scores) between.push_back(layer.facts.at(0));
  const auto least = static_cast<std::uint32_t>(integerParameter(setting, "sinks")) + setting.window;
  return everyHead(setting, wholeLists(setting, largestFirst(between), least));
}

}  // namespace

AllocatePart lazyAllocation() {
  return {.name = "lazy",
          .meaning = "lazy layers keep little, the others everything",
          .needs = {Signal::WindowRows},
          .parameters = kParameters,
          .allocate = allocate,
          .facts = facts};
}

}  // namespace kvatlas::policy
