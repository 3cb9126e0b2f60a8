#include "kernels/cuda/tile_geometry.h"

#include <gtest/gtest.h>

namespace kvatlas::kernels {
namespace {

TEST(TileGeometry, tilesCoverExactlyTheVisiblePairs) {
  for (const std::size_t tokens : {1, 63, 64, 65, 200, 300}) {
    for (const std::size_t band : {0, 1, 10, 64, 65, 150, 1000}) {
      const std::size_t tiles = divideUp(tokens, kTile);
      for (std::size_t query_tile = 0; query_tile < tiles; ++query_tile) {
        for (std::size_t key_tile = 0; key_tile < tiles; ++key_tile) {
          bool any = false;
          for (std::size_t q = query_tile * kTile; q < (query_tile + 1) * kTile; ++q) {
            for (std::size_t k = key_tile * kTile; k < (key_tile + 1) * kTile; ++k) {
              const bool visible = q < tokens && k <= q && (band == 0 || k + band > q);
              ASSERT_EQ(isVisible(q, k, tokens, band), visible);
              any = any || visible;
            }
          }
          const TokenRange keys = keyTilesOf(query_tile, tokens, band);
          const TokenRange queries = queryTilesOf(key_tile, tokens, band);
          EXPECT_EQ(any, key_tile >= keys.begin && key_tile < keys.end) << tokens << " " << band;
          EXPECT_EQ(any, query_tile >= queries.begin && query_tile < queries.end) << tokens << " " << band;
        }
      }
    }
  }
}

TEST(TileGeometry, workspaceArraysDoNotOverlapAndGrowLinearly) {
  for (const std::size_t cell : {0, 8, 64, 256}) {
    const std::size_t heads = 32;
    const std::size_t tokens = 131072;
    const ProbeWorkspace w = probeWorkspace(heads, tokens, cell);
    EXPECT_GE(w.inverse_sum, heads * tokens * 4);
    EXPECT_GE(w.partial_sum, w.inverse_sum + heads * tokens * 4);
    const std::size_t partial = cell > 64 ? heads * (tokens / cell) * (tokens / 64) * 4 : 0;
    EXPECT_GE(w.partial_max, w.partial_sum + partial);
    EXPECT_GE(w.bytes, w.partial_max + partial);
    EXPECT_EQ(w.partial_sum % 16, 0U);
    EXPECT_LT(w.bytes, std::size_t{1} << 30);
  }
}

}  // namespace
}  // namespace kvatlas::kernels
