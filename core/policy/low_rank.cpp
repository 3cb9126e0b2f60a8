#include "core/policy/low_rank.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace kvatlas::policy {
namespace {

constexpr int kMostSweeps = 60;
constexpr double kSmall = 1e-15;  // of the trace: what is left off the diagonal

// A symmetric matrix turned diagonal by Jacobi's rotations: eigenvalues on the diagonal, eigenvectors as rows.
class Eigen {
 public:
  Eigen(std::vector<double> matrix, std::size_t size) : m_size(size), m_matrix(std::move(matrix)) {
    m_vectors.assign(size * size, 0.0);
    for (std::size_t i = 0; i < size; ++i) m_vectors[i * size + i] = 1;
    double trace = 0;
    for (std::size_t i = 0; i < size; ++i) trace += m_matrix[i * size + i];
    for (int sweep = 0; sweep < kMostSweeps && largestOff() > kSmall * trace; ++sweep)
      for (std::size_t p = 0; p + 1 < size; ++p)
        for (std::size_t q = p + 1; q < size; ++q) rotate(p, q);
  }

  // The eigenvectors of the largest eigenvalues, ties to the first.
  [[nodiscard]] std::vector<std::span<const double>> best(std::size_t count) const {
    std::vector<std::size_t> order(m_size);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return m_matrix[i * m_size + i]; });
    std::vector<std::span<const double>> vectors;
    for (std::size_t i = 0; i < std::min(count, m_size); ++i)
      vectors.push_back(std::span(m_vectors).subspan(order[i] * m_size, m_size));
    return vectors;
  }

 private:
  [[nodiscard]] double largestOff() const {
    double largest = 0;
    for (std::size_t p = 0; p < m_size; ++p)
      for (std::size_t q = p + 1; q < m_size; ++q) largest = std::max(largest, std::abs(m_matrix[p * m_size + q]));
    return largest;
  }

  void rotate(std::size_t p, std::size_t q) {
    const double off = m_matrix[p * m_size + q];
    if (off == 0) return;
    const double theta = (m_matrix[q * m_size + q] - m_matrix[p * m_size + p]) / (2 * off);
    const double t = (theta < 0 ? -1.0 : 1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1));
    const double c = 1 / std::sqrt(t * t + 1), s = t * c;
    for (std::size_t k = 0; k < m_size; ++k) turn(m_matrix[k * m_size + p], m_matrix[k * m_size + q], c, s);
    for (std::size_t k = 0; k < m_size; ++k) turn(m_matrix[p * m_size + k], m_matrix[q * m_size + k], c, s);
    for (std::size_t k = 0; k < m_size; ++k) turn(m_vectors[p * m_size + k], m_vectors[q * m_size + k], c, s);
  }

  static void turn(double& a, double& b, double c, double s) {
    const double x = a, y = b;
    a = c * x - s * y;
    b = s * x + c * y;
  }

  std::size_t m_size;
  std::vector<double> m_matrix, m_vectors;
};

// MᵀM [columns, columns].
std::vector<double> gram(std::span<const float> matrix, std::size_t columns) {
  std::vector<double> sum(columns * columns, 0.0);
  for (std::size_t row = 0; row < matrix.size() / columns; ++row) {
    const float* const x = matrix.data() + row * columns;
    for (std::size_t i = 0; i < columns; ++i)
      for (std::size_t j = i; j < columns; ++j)
        sum[i * columns + j] += static_cast<double>(x[i]) * static_cast<double>(x[j]);
  }
  for (std::size_t i = 0; i < columns; ++i)
    for (std::size_t j = 0; j < i; ++j) sum[i * columns + j] = sum[j * columns + i];
  return sum;
}

}  // namespace

void keepLowRank(std::span<float> matrix, std::size_t columns, std::size_t rank) {
  if (!std::ranges::all_of(matrix, [](float x) { return std::isfinite(x); }) || rank == 0) {
    std::ranges::fill(matrix, 0.0F);
    return;
  }
  const Eigen eigen(gram(matrix, columns), columns);
  const std::vector<std::span<const double>> axes = eigen.best(rank);
  std::vector<double> sum(columns);
  for (std::size_t row = 0; row < matrix.size() / columns; ++row) {
    const std::span<float> x = matrix.subspan(row * columns, columns);
    std::ranges::fill(sum, 0.0);
    for (const std::span<const double> axis : axes) {
      const double along = std::inner_product(x.begin(), x.end(), axis.begin(), 0.0);
      for (std::size_t i = 0; i < columns; ++i) sum[i] += along * axis[i];
    }
    for (std::size_t i = 0; i < columns; ++i) x[i] = static_cast<float>(sum[i]);
  }
}

}  // namespace kvatlas::policy
