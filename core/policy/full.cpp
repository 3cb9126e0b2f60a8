// The full cache: nothing is evicted. The reference every other method is compared with.
#include <numeric>

#include "core/policy/selection.h"
#include "core/policy/table.h"

namespace kvatlas::policy {
namespace {

std::vector<std::uint32_t> allocate(const Setting& setting, std::span<const LayerScores>) {
  return std::vector<std::uint32_t>(std::size_t{setting.shape.layers} * setting.heads(), setting.shape.tokens);
}

std::vector<TokenIndex> select(const Setting& setting, LayerIndex, std::span<const float>, std::uint32_t) {
  std::vector<TokenIndex> kept(setting.shape.tokens);
  std::iota(kept.begin(), kept.end(), TokenIndex{0});
  return kept;
}

Reason reason(const Setting&, TokenIndex) {
  return Reason::Everything;
}

}  // namespace

Method fullMethod() {
  return {.name = "full",
          .title = "Full cache",
          .allocate = allocate,
          .select = select,
          .keeps_everything = true,
          .reason = reason};
}

}  // namespace kvatlas::policy
