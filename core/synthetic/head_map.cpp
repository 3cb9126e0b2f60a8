// The finest map of a synthetic head: cells with constant weight are products of sums, the others are computed row by
// row.
#include <bit>

#include "core/synthetic/head_model.h"

namespace kvatlas::synthetic {

// Largest g of any range up to `longest` long: a table of maxima over ranges of power-of-two lengths.
class HeadModel::RangeMax {
 public:
  RangeMax(const Doubles& values, std::size_t count, std::size_t longest) {
    m_levels.emplace_back(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
    for (std::size_t half = 1; 2 * half <= std::min(longest, count); half *= 2) {
      const std::vector<float>& last = m_levels.back();
      std::vector<float> next(count - 2 * half + 1);
      for (std::size_t i = 0; i < next.size(); ++i) next[i] = std::max(last[i], last[i + half]);
      m_levels.push_back(std::move(next));
    }
  }
  [[nodiscard]] double of(std::size_t begin, std::size_t end) const {
    const auto level = static_cast<std::size_t>(std::bit_width(end - begin) - 1);
    return std::max(m_levels[level][begin], m_levels[level][end - (std::size_t{1} << level)]);
  }

 private:
  std::vector<std::vector<float>> m_levels;
};

double HeadModel::levelAt(std::uint32_t query, std::uint32_t key) const {
  std::size_t level = 0;
  while (level < kBands && query - key >= m_band[level]) ++level;
  return m_h[key >= m_document[query] ? 1 : 0][level];
}

// Rows r0 … r1, columns c0 … c1, both inclusive.
bool HeadModel::constantIn(std::uint32_t r0, std::uint32_t r1, std::uint32_t c0, std::uint32_t c1) const {
  if (c1 > r0 || classOf(r0) != classOf(r1)) return false;
  for (const std::uint32_t band : m_band) {
    if (r0 - c1 < band && band <= r1 - c0) return false;
  }
  return m_document[r1] <= c0 || m_document[r0] > c1;
}

HeadModel::Cell HeadModel::cutCell(const RangeMax& top, std::uint32_t r0, std::uint32_t r1, std::uint32_t c0,
                                   std::uint32_t c1) const {
  double sum = 0, pairs = 0;
  Cell cell;
  std::array<double, 2> steady_top{};
  std::uint32_t seen = c0;  // columns whose v the running maxima include
  for (std::uint32_t i = r0; i <= r1; ++i) {
    const std::uint32_t end = std::min(c1, i) + 1;
    for (; seen < end; ++seen) {
      for (std::size_t side : {0, 1}) steady_top[side] = std::max(steady_top[side], m_v[side].value[seen]);
    }
    double row = 0, best = 0;
    stretches(i, c0, end, [&](std::uint32_t begin, std::uint32_t until, std::size_t level, bool inside) {
      const double h = m_h[inside ? 1 : 0][level];
      row += h * (m_g_sum[until] - m_g_sum[begin]);
      best = std::max(best, h * top.of(begin, until));
    });
    const Steady& steady = m_v[classOf(i)];
    sum += (m_rho[i] * row + steady.sum[end] - steady.sum[c0]) / m_z[i];
    cell.max = std::max(cell.max, std::max(m_rho[i] * best, steady_top[classOf(i)]) / m_z[i]);
    pairs += end - c0;
  }
  cell.mean = sum / pairs;
  return cell;
}

void HeadModel::map(std::size_t cell, float* mean, float* max) const {
  const std::size_t side = (m_tokens + cell - 1) / cell;
  const RangeMax top(m_g, m_tokens, cell);
  std::vector<double> steady_top[2];
  const auto lastOf = [&](std::size_t index) {
    return static_cast<std::uint32_t>(std::min<std::size_t>((index + 1) * cell, m_tokens) - 1);
  };
  for (std::size_t q : {0, 1}) {
    for (std::size_t column = 0; column < side; ++column) {
      const auto begin = m_v[q].value.begin();
      steady_top[q].push_back(
          *std::max_element(begin + static_cast<std::ptrdiff_t>(column * cell), begin + lastOf(column) + 1));
    }
  }
  std::fill_n(mean, side * side, 0.0F);
  std::fill_n(max, side * side, 0.0F);
  for (std::size_t row = 0; row < side; ++row) {
    const auto r0 = static_cast<std::uint32_t>(row * cell);
    const std::uint32_t r1 = lastOf(row);
    double most_rho = 0, most = 0;
    for (std::uint32_t i = r0; i <= r1; ++i) {
      most_rho = std::max(most_rho, m_rho[i] / m_z[i]);
      most = std::max(most, 1 / m_z[i]);
    }
    const double rho = m_rho_inverse[r1 + 1] - m_rho_inverse[r0], one = m_inverse[r1 + 1] - m_inverse[r0];
    for (std::size_t column = 0; column <= row; ++column) {
      const auto c0 = static_cast<std::uint32_t>(column * cell);
      const std::uint32_t c1 = lastOf(column);
      Cell out;
      if (constantIn(r0, r1, c0, c1)) {
        const Steady& steady = m_v[classOf(r0)];
        const double h = levelAt(r0, c1), pairs = double(r1 - r0 + 1) * (c1 - c0 + 1);
        out.mean = (h * rho * (m_g_sum[c1 + 1] - m_g_sum[c0]) + one * (steady.sum[c1 + 1] - steady.sum[c0])) / pairs;
        out.max = std::max(h * most_rho * top.of(c0, c1 + 1), most * steady_top[classOf(r0)][column]);
      } else {
        out = cutCell(top, r0, r1, c0, c1);
      }
      mean[row * side + column] = static_cast<float>(out.mean);
      max[row * side + column] = static_cast<float>(out.max);
    }
  }
}

}  // namespace kvatlas::synthetic
