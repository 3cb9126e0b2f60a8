// The lists of positions that a decision or a recorded run keeps, one per stored head, all in one vector. Where every
// list is the whole prompt, one list stands for all of them: 32 layers × 8 heads × 131 072 tokens take 512 KB, not 128
// MB.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas {

// List `row`; offsets [rows + 1] are those of the lists one after another, also where `everything` says that
// `positions` holds only one. Empty where the list is not there.
[[nodiscard]] inline std::span<const TokenIndex> keptList(std::span<const std::uint64_t> offsets,
                                                          std::span<const TokenIndex> positions, bool everything,
                                                          std::size_t row) {
  if (row + 1 >= offsets.size()) return {};
  if (everything) return positions;
  if (offsets[row] > offsets[row + 1] || offsets[row + 1] > positions.size()) return {};
  return positions.subspan(offsets[row], offsets[row + 1] - offsets[row]);
}

// 0, 1, … tokens − 1.
[[nodiscard]] inline std::vector<TokenIndex> everyPosition(std::size_t tokens) {
  std::vector<TokenIndex> all(tokens);
  std::iota(all.begin(), all.end(), TokenIndex{0});
  return all;
}

}  // namespace kvatlas
