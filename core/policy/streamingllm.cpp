// StreamingLLM (Xiao et al., arXiv:2309.17453): the first tokens, where attention sinks, and the most recent ones.
// Positions are not renumbered: keys keep the rotary phase they were computed with, as in the published comparison.
#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/policy/parameters.h"
#include "core/policy/selection.h"
#include "core/policy/table.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {{.name = "sinks",
                                          .values = "a whole number from 0 to 65536",
                                          .default_value = "4",
                                          .paper_value = "4",
                                          .meaning = "first tokens that are always kept",
                                          .kind = ParameterKind::Integer,
                                          .lowest = 0,
                                          .highest = 65536,
                                          .changes_score = false}};

std::uint32_t sinks(const Setting& setting) {
  return static_cast<std::uint32_t>(integerParameter(setting, "sinks"));
}

void check(const Setting& setting) {
  if (setting.budget <= sinks(setting))
    failUsage("method 'streamingllm': a budget of {} tokens leaves none beside the {} sinks", setting.budget,
              sinks(setting));
}

// `sinks` first and capacity − sinks recent tokens: the published LongBench runner (W = C − 4) and the exact budget
// alike.
std::vector<TokenIndex> select(const Setting& setting, LayerIndex, std::span<const float>, std::uint32_t capacity) {
  const std::uint32_t tokens = setting.shape.tokens;
  std::vector<TokenIndex> kept(std::min(capacity, tokens));
  const auto first = static_cast<std::ptrdiff_t>(std::min<std::size_t>(sinks(setting), kept.size()));
  std::iota(kept.begin(), kept.begin() + first, TokenIndex{0});
  std::iota(kept.begin() + first, kept.end(), static_cast<TokenIndex>(tokens - (kept.size() - first)));
  return kept;
}

Reason reason(const Setting& setting, TokenIndex position) {
  return position < sinks(setting) ? Reason::Sink : Reason::Window;
}

}  // namespace

Method streamingllmMethod() {
  return {.name = "streamingllm",
          .title = "StreamingLLM",
          .paper = "arXiv:2309.17453",
          .parameters = kParameters,
          .allocate = allocateUniform,
          .select = select,
          .check = check,
          .reason = reason};
}

}  // namespace kvatlas::policy
