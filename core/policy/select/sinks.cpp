// The first tokens (attention sinks) and the most recent ones (StreamingLLM, Xiao et al., arXiv:2309.17453). Positions
// are not renumbered: keys keep the rotary phase from their computation, as in the published comparison.
#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {sinksParameter("first tokens, always kept", false)};

std::uint32_t sinks(const Setting& setting) {
  return static_cast<std::uint32_t>(integerParameter(setting, "sinks"));
}

void check(const Setting& setting) {
  if (setting.budget <= sinks(setting))
    failUsage("a budget of {} tokens leaves none besides the {} sinks", setting.budget, sinks(setting));
}

// `sinks` first and capacity − sinks recent tokens: matches both the published LongBench runner (W = C − 4) and the
// exact budget.
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

SelectPart sinksSelection() {
  return {.name = "sinks",
          .meaning = "the first tokens and the most recent",
          .parameters = kParameters,
          .select = select,
          .reads_scores = false,
          .check = check,
          .reason = reason};
}

}  // namespace kvatlas::policy
