// Counts marked positions in a range in constant time (prefix sums).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/ids.h"

namespace kvatlas::views {

class PositionCounts {
 public:
  PositionCounts() = default;
  // `marked`: ascending, below `positions`.
  PositionCounts(std::size_t positions, std::span<const TokenIndex> marked) : m_before(positions + 1, 0) {
    for (const TokenIndex position : marked)
      if (position < positions) m_before[position + 1] = 1;
    for (std::size_t i = 0; i < positions; ++i) m_before[i + 1] += m_before[i];
  }

  [[nodiscard]] std::size_t positions() const { return m_before.empty() ? 0 : m_before.size() - 1; }
  // In [begin, end), clamped to the positions.
  [[nodiscard]] std::uint32_t count(std::uint64_t begin, std::uint64_t end) const {
    const std::uint64_t all = positions();
    if (begin > all) begin = all;
    if (end > all) end = all;
    return begin < end ? m_before[end] - m_before[begin] : 0;
  }

 private:
  std::vector<std::uint32_t> m_before;  // [positions + 1]
};

}  // namespace kvatlas::views
