#include "kernels/top_entries.h"

#include <algorithm>
#include <cmath>

namespace kvatlas::kernels {
namespace {

class Best {
 public:
  explicit Best(std::span<TopEntry> entries) : m_entries(entries) {}

  // In order of columns: of equal values the first stays.
  void offer(float value, std::size_t column) {
    if (!std::isfinite(value)) m_finite = false;
    std::size_t at = m_count;
    if (m_count < m_entries.size()) {
      ++m_count;
    } else if (value > m_entries.back().value) {
      --at;
    } else {
      return;
    }
    for (; at > 0 && value > m_entries[at - 1].value; --at) m_entries[at] = m_entries[at - 1];
    m_entries[at] = {value, static_cast<std::uint32_t>(column)};
  }
  [[nodiscard]] float least() const { return m_entries.back().value; }
  [[nodiscard]] bool finite() const { return m_finite; }

 private:
  std::span<TopEntry> m_entries;
  std::size_t m_count = 0;
  bool m_finite = true;
};

}  // namespace

// Few columns are among the largest: blocks without any are passed over.
void topEntries(std::span<const float> row, std::span<TopEntry> entries) {
  constexpr std::size_t kBlock = 32;
  std::ranges::fill(entries, TopEntry{});
  if (entries.empty()) return;
  Best best(entries);
  std::size_t column = 0;
  for (; column < row.size() && column < entries.size(); ++column) best.offer(row[column], column);
  for (; best.finite() && column + kBlock <= row.size(); column += kBlock) {
    const float least = best.least();
    bool any = false;
    for (std::size_t j = 0; j < kBlock; ++j) any |= !(row[column + j] <= least);  // also a NaN
    if (!any) continue;
    for (std::size_t j = 0; j < kBlock; ++j) best.offer(row[column + j], column + j);
  }
  for (; best.finite() && column < row.size(); ++column) best.offer(row[column], column);
  if (!best.finite()) std::ranges::fill(entries, TopEntry{});
}

}  // namespace kvatlas::kernels
