// The mean of measured values, where NaN stands for "was not measured" and is skipped.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace kvatlas {

// Sums in double, in the order of the calls.
class MeanOfMeasured {
 public:
  void add(double value) {
    if (std::isnan(value)) return;
    m_sum += value;
    ++m_count;
  }
  [[nodiscard]] std::size_t count() const { return m_count; }
  // NaN where nothing was measured.
  [[nodiscard]] double value() const {
    return m_count == 0 ? std::numeric_limits<double>::quiet_NaN() : m_sum / static_cast<double>(m_count);
  }

 private:
  double m_sum = 0;
  std::size_t m_count = 0;
};

template <class Values>
[[nodiscard]] double meanOfMeasured(const Values& values) {
  MeanOfMeasured mean;
  for (const auto value : values) mean.add(static_cast<double>(value));
  return mean.value();
}

}  // namespace kvatlas
