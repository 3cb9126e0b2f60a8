// The largest values of a row and where they lie.
#pragma once

#include <cstdint>
#include <span>

namespace kvatlas::kernels {

inline constexpr std::uint32_t kNoColumn = 0xffffffff;

struct TopEntry {
  float value = 0;
  std::uint32_t column = kNoColumn;
  friend bool operator==(const TopEntry&, const TopEntry&) = default;
};

// The entries.size() largest of a row of values ≥ 0 in descending order, of equal ones the lowest column first; no
// column and 0 where the row is shorter. A row with a NaN or Inf has no entries.
void topEntries(std::span<const float> row, std::span<TopEntry> entries);

}  // namespace kvatlas::kernels
