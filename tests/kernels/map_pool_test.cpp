#include "kernels/map_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace kvatlas::kernels {
namespace {

bool visible(const MapGeometry& geometry, std::size_t query, std::size_t key) {
  return key <= query && (geometry.sliding_window == 0 || key + geometry.sliding_window > query);
}

TEST(MapPool, visiblePairsCountsPairByPair) {
  for (const std::size_t tokens : {1, 2, 7, 16, 33}) {
    for (const std::size_t cell : {1, 2, 4, 8, 64}) {
      for (const std::size_t band : {0, 1, 3, 8, 17, 100}) {
        const MapGeometry geometry{tokens, cell, band};
        std::vector<std::size_t> counted(geometry.cells() * geometry.cells());
        for (std::size_t query = 0; query < tokens; ++query) {
          for (std::size_t key = 0; key < tokens; ++key) {
            counted[query / cell * geometry.cells() + key / cell] += visible(geometry, query, key) ? 1 : 0;
          }
        }
        for (std::size_t i = 0; i < counted.size(); ++i) {
          ASSERT_EQ(visiblePairs(geometry, i / geometry.cells(), i % geometry.cells()), counted[i])
              << tokens << " " << cell << " " << band << " " << i;
        }
      }
    }
  }
}

TEST(MapPool, cellsOutsideTheMapHaveNoPairs) {
  EXPECT_EQ(visiblePairs({10, 4, 0}, 3, 0), 0U);
}

TEST(MapPool, coarsenMeanAveragesOverVisiblePairs) {
  // 5 tokens, cell 1: p(i, j) = i + j/10 on and below the diagonal.
  const MapGeometry geometry{5, 1, 0};
  std::vector<float> fine(25);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      fine[i * 5 + j] = static_cast<float>(i) + static_cast<float>(j) / 10;
    }
  }
  std::vector<float> coarse(9, -1);
  coarsenMean(geometry, fine.data(), coarse.data());
  EXPECT_FLOAT_EQ(coarse[0], (0.0F + 1.0F + 1.1F) / 3);         // diagonal cell: three visible pairs
  EXPECT_EQ(coarse[1], 0.0F);                                   // above the diagonal
  EXPECT_FLOAT_EQ(coarse[3], (2.0F + 2.1F + 3.0F + 3.1F) / 4);  // full cell
  EXPECT_FLOAT_EQ(coarse[6], (4.0F + 4.1F) / 2);                // ragged last row
  EXPECT_FLOAT_EQ(coarse[8], 4.4F);
  coarsenMax(geometry, fine.data(), coarse.data());
  EXPECT_EQ(coarse[0], 1.1F);
  EXPECT_EQ(coarse[2], 0.0F);
  EXPECT_EQ(coarse[3], 3.1F);
  EXPECT_EQ(coarse[8], 4.4F);
}

// Every size, cell and sliding window against weighting all pairs one by one.
TEST(MapPool, coarseningMatchesPairByPairForEveryShape) {
  for (const std::size_t tokens : {1U, 2U, 7U, 16U, 33U, 50U}) {
    for (const std::size_t cell : {1U, 2U, 4U}) {
      for (const std::size_t window : {0U, 1U, 5U, 16U, 64U}) {
        SCOPED_TRACE(testing::Message() << tokens << " tokens, cell " << cell << ", window " << window);
        const MapGeometry geometry{tokens, cell, window};
        const std::size_t n = geometry.cells();
        const std::size_t m = (n + 1) / 2;
        std::vector<float> fine(n * n);
        std::vector<double> sum(m * m), pairs(m * m), most(m * m);
        std::vector<double> fine_pairs(n * n);
        for (std::size_t i = 0; i < tokens; ++i)
          for (std::size_t j = 0; j <= i; ++j)
            if (window == 0 || i - j < window) fine_pairs[i / cell * n + j / cell] += 1;
        for (std::size_t at = 0; at < n * n; ++at) {
          if (fine_pairs[at] == 0) continue;
          fine[at] = static_cast<float>(at * 37 % 101) / 100;
          const std::size_t to = at / n / 2 * m + at % n / 2;
          sum[to] += static_cast<double>(fine[at]) * fine_pairs[at];
          pairs[to] += fine_pairs[at];
          most[to] = std::max(most[to], static_cast<double>(fine[at]));
        }
        std::vector<float> mean(m * m, -1), max(m * m, -1);
        coarsenMean(geometry, fine.data(), mean.data());
        coarsenMax(geometry, fine.data(), max.data());
        for (std::size_t at = 0; at < m * m; ++at) {
          EXPECT_FLOAT_EQ(mean[at], pairs[at] == 0 ? 0.0F : static_cast<float>(sum[at] / pairs[at])) << at;
          EXPECT_EQ(static_cast<double>(max[at]), most[at]) << at;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kvatlas::kernels
