// Retrieval heads keep everything, the others little (DuoAttention, Xiao et al., arXiv:2410.10819): as many heads of
// the table are whole, the best first, as the budget pays.
#include "core/policy/head_table.h"
#include "core/policy/parameters.h"
#include "core/policy/rows.h"
#include "core/policy/whole_lists.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kHeadsParameter, sinksParameter("first tokens, always kept", false)};

void check(const Setting& setting) {
  static_cast<void>(headTable(setting));
}

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores>) {
  const auto least = static_cast<std::uint32_t>(integerParameter(setting, "sinks")) + setting.window;
  return wholeLists(setting, largestFirst(headTable(setting)), least);
}

}  // namespace

AllocatePart retrievalAllocation() {
  return {.name = "retrieval",
          .meaning = "the best heads of a table keep everything, the others little",
          .parameters = kParameters,
          .allocate = allocate,
          .check = check};
}

}  // namespace kvatlas::policy
