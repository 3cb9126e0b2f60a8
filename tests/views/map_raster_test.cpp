// Each pixel of a raster against the cell it covers, from tiles whose cells all differ.
#include "views/models/map/map_raster.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kvatlas::views {
namespace {

constexpr std::uint64_t kTokens = 2048;
constexpr std::size_t kLevels = 4;

std::uint16_t codeOf(std::uint64_t row, std::uint64_t column, std::size_t level) {
  return static_cast<std::uint16_t>(1 + (row * 7919 + column * 104729 + level * 31) % 65000);
}

TilePyramid pyramid() {
  return {.tokens = kTokens, .cells = {1, 2, 4, 8}};
}

TilePointer tileAt(const TilePlace& place) {
  const auto side = static_cast<std::uint32_t>(std::min(kTileSide, pyramid().side(place.level)));
  auto tile = std::make_shared<Tile>();
  tile->rows = tile->columns = side;
  for (std::uint32_t row = 0; row < side; ++row)
    for (std::uint32_t column = 0; column < side; ++column)
      tile->codes.push_back(codeOf(place.row * kTileSide + row, place.column * kTileSide + column, place.level));
  return tile;
}

// One pixel per token of the finest level, around tile borders; only tiles of level `loaded` are there.
class StandIns : public testing::TestWithParam<std::size_t> {};

TEST_P(StandIns, ShowTheCellsOfTheirPlace) {
  const TilePyramid levels = pyramid();
  const RasterRequest request{
      .pyramid = &levels, .level = 0, .scale = {1, 1}, .area = {500, 1270, 40, 300}, .find = [](TilePlace place) {
        return place.level == GetParam() ? tileAt(place) : nullptr;
      }};
  const RasterResult result = rasterise(request);
  EXPECT_EQ(result.complete, GetParam() == 0);
  const std::uint64_t cell = levels.cells[GetParam()];
  for (int y = 0; y < request.area.height; ++y)
    for (int x = 0; x < request.area.width; ++x) {
      const std::uint64_t query = 1270 + static_cast<std::uint64_t>(y), key = 500 + static_cast<std::uint64_t>(x);
      ASSERT_EQ(result.pixels[static_cast<std::size_t>(y * request.area.width + x)],
                codeOf(query / cell, key / cell, GetParam()))
          << "query " << query << ", key " << key;
    }
}

INSTANTIATE_TEST_SUITE_P(Levels, StandIns, testing::Range<std::size_t>(0, kLevels));

// Of several levels the nearest coarser one stands in.
TEST(StandInLevels, TheNearestLevelComesFirst) {
  const TilePyramid levels = pyramid();
  const RasterResult result =
      rasterise({.pyramid = &levels, .level = 0, .scale = {1, 1}, .area = {3, 1000, 1, 1}, .find = [](TilePlace place) {
                   return place.level >= 2 ? tileAt(place) : nullptr;
                 }});
  EXPECT_EQ(result.pixels[0], codeOf(1000 / 4, 3 / 4, 2));
}

}  // namespace
}  // namespace kvatlas::views
