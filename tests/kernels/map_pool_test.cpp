#include "kernels/map_pool.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace kvatlas::kernels
