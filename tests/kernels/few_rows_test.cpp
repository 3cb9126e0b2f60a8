// A few rows times a matrix, against double precision, on every vector width of this machine.
#include "kernels/few_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <tuple>
#include <vector>

#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

struct Product {
  std::size_t count, outputs, depth;
  std::vector<float> rows, matrix;

  Product(std::size_t row_count, std::size_t output_count, std::size_t row_depth)
      : count(row_count), outputs(output_count), depth(row_depth), rows(count * depth), matrix(outputs * depth) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (std::vector<float>* vector : {&rows, &matrix})
      for (float& value : *vector) value = normal(random);
  }
  [[nodiscard]] std::vector<float> run(std::size_t first, std::size_t some, unsigned threads) const {
    std::vector<float> output(some * outputs, -7.0F);
    multiplyFewRows({.rows = rows.data() + first * depth,
                     .matrix = matrix.data(),
                     .count = some,
                     .outputs = outputs,
                     .depth = depth},
                    output.data(), threads);
    return output;
  }
};

TEST(FewRows, EqualsDoublePrecision) {
  forEachTarget([] {
    for (const auto& [count, outputs, depth] :
         {std::tuple{1U, 1U, 1U}, {1U, 7U, 5U}, {3U, 258U, 72U}, {9U, 1030U, 576U}, {2U, 600U, 131U}, {64U, 5U, 64U}}) {
      const Product product(count, outputs, depth);
      const std::vector<float> output = product.run(0, count, 1);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t o = 0; o < outputs; ++o) {
          double exact = 0, size = 0;
          for (std::size_t k = 0; k < depth; ++k) {
            const double term = static_cast<double>(product.rows[r * depth + k]) * product.matrix[o * depth + k];
            exact += term;
            size += std::abs(term);
          }
          ASSERT_NEAR(output[r * outputs + o], exact, 1e-6 * size + 1e-30) << r << ' ' << o << ' ' << depth;
        }
    }
  });
}

TEST(FewRows, ARowIsTheSameAloneAndWithAnyThreads) {
  forEachTarget([] {
    const Product product(9, 1030, 584);
    const std::vector<float> together = product.run(0, 9, 1);
    EXPECT_EQ(product.run(0, 9, 2), together);
    EXPECT_EQ(product.run(0, 9, 5), together);
    for (std::size_t r = 0; r < 9; ++r) {
      const std::vector<float> alone = product.run(r, 1, 1);
      for (std::size_t o = 0; o < product.outputs; ++o) ASSERT_EQ(alone[o], together[r * product.outputs + o]) << r;
    }
  });
}

}  // namespace
}  // namespace kvatlas::kernels
