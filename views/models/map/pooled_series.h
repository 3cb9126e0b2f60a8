// A per-token signal with fast range-maximum queries.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace kvatlas::views {

class PooledSeries {
 public:
  PooledSeries() = default;
  explicit PooledSeries(std::vector<float> values) {
    if (values.empty()) return;
    m_levels.push_back(std::move(values));
    while (m_levels.back().size() > kFactor) {
      const std::vector<float>& fine = m_levels.back();
      std::vector<float> coarse((fine.size() + kFactor - 1) / kFactor, -std::numeric_limits<float>::infinity());
      for (std::size_t i = 0; i < fine.size(); ++i) coarse[i / kFactor] = std::max(coarse[i / kFactor], fine[i]);
      m_levels.push_back(std::move(coarse));
    }
  }

  [[nodiscard]] std::size_t size() const { return m_levels.empty() ? 0 : m_levels.front().size(); }
  [[nodiscard]] float at(std::size_t index) const { return m_levels.front()[index]; }
  // The maximum of [begin, end); −infinity if empty.
  [[nodiscard]] float largest(std::uint64_t begin, std::uint64_t end) const {
    end = std::min<std::uint64_t>(end, size());
    float result = -std::numeric_limits<float>::infinity();
    for (std::size_t level = 0; begin < end; ++level) {
      const std::vector<float>& values = m_levels[level];
      const bool last = level + 1 == m_levels.size();
      for (; begin < end && (last || begin % kFactor != 0); ++begin) result = std::max(result, values[begin]);
      for (; begin < end && end % kFactor != 0; --end) result = std::max(result, values[end - 1]);
      begin /= kFactor;
      end /= kFactor;
    }
    return result;
  }

 private:
  static constexpr std::size_t kFactor = 16;
  std::vector<std::vector<float>> m_levels;
};

}  // namespace kvatlas::views
