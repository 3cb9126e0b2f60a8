// Every position.
#include <numeric>

#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

std::vector<TokenIndex> select(const Setting& setting, LayerIndex, std::span<const float>, std::uint32_t) {
  std::vector<TokenIndex> kept(setting.shape.tokens);
  std::iota(kept.begin(), kept.end(), TokenIndex{0});
  return kept;
}

Reason reason(const Setting&, TokenIndex) {
  return Reason::Everything;
}

}  // namespace

SelectPart everythingSelection() {
  return {.name = "everything", .meaning = "every position", .select = select, .reads_scores = false, .reason = reason};
}

}  // namespace kvatlas::policy
