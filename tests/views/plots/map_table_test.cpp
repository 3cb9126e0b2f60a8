// The numbers of the cells in sight, as they are copied, against what the map was made of.
#include <gmock/gmock.h>

#include <QStringList>
#include <cmath>

#include "tests/views/plots/qt_guard.h"
#include "tests/views/plots/synthetic_tiles.h"
#include "views/models/map/map_table.h"

namespace kvatlas {
namespace {

using test::SyntheticTiles;
using namespace views;
using ::testing::StartsWith;

constexpr std::uint64_t kTokens = 4096;

class MapTableTest : public test::QtTest {
 protected:
  MapTableTest() : tiles(kTokens, {1000}), others(kTokens, {1001}) {
    picture.a = {&tiles, LayerIndex(0), {}, trace::Reduction::Max, nullptr, {}};
    tiles.peak = others.peak = 0.25;
    tiles.ground = others.ground = std::exp2(-10);
  }
  // Lines of cells, without quotes: none holds a comma but the corner.
  static std::vector<QStringList> cells(const std::string& text) {
    std::vector<QStringList> rows;
    const QString rest = QString::fromStdString(text.substr(text.find('"', 1) + 1));
    for (const QString& line : rest.split(QLatin1Char('\n'), Qt::SkipEmptyParts))
      rows.push_back(line.split(QLatin1Char(',')));
    return rows;
  }
  void compareWith(PictureSides mode) {
    picture.b = picture.a;
    picture.b->source = &others;
    picture.mode = mode;
  }

  SyntheticTiles tiles, others;
  MapPicture picture;
};

TEST_F(MapTableTest, SingleTokensWithTheirPositionsAndMaskedPairsEmpty) {
  const std::string text = mapTable(picture, {998.4, 1003, 998.4, 1002}, 0.1);
  EXPECT_THAT(text, StartsWith("\"probability: query \\ key\",998,999,1000,1001,1002\n998,"));
  const auto rows = cells(text);
  ASSERT_EQ(rows.size(), 5U);
  for (std::size_t row = 1; row < rows.size(); ++row) {
    ASSERT_EQ(rows[row].size(), 6);
    const int query = rows[row][0].toInt();
    EXPECT_EQ(query, 997 + static_cast<int>(row));
    for (int i = 1; i < 6; ++i) {
      const int key = rows[0][i].toInt();
      if (key > query)
        EXPECT_EQ(rows[row][i], QString()) << query << " " << key;
      else
        EXPECT_NEAR(rows[row][i].toDouble(), key == 1000 ? 0.25 : std::exp2(-10), 1e-4) << query << " " << key;
    }
  }
}

TEST_F(MapTableTest, CellsOfTheLevelThatIsDrawnAndWhatTheyAre) {
  const std::string text = mapTable(picture, {-50, 5000, -50, 5000}, 8);
  EXPECT_THAT(text, StartsWith("\"probability, max of 8 x 8 tokens: query \\ key\",0,8,16,"));
  const auto rows = cells(text);
  ASSERT_EQ(rows.size(), 1 + kTokens / 8);
  EXPECT_NEAR(rows.back()[1 + 125].toDouble(), 0.25, 1e-3) << "1000 / 8";
  EXPECT_EQ(rows.back()[0].toInt(), 4088);
}

TEST_F(MapTableTest, OfTwoMapsWhatIsShown) {
  compareWith(PictureSides::Difference);
  auto rows = cells(mapTable(picture, {999, 1003, 1500, 1501}, 1));
  EXPECT_NEAR(rows[1][2].toDouble(), 0.25 - std::exp2(-10), 1e-4);
  EXPECT_NEAR(rows[1][3].toDouble(), std::exp2(-10) - 0.25, 1e-4);
  compareWith(PictureSides::Ratio);
  const std::string text = mapTable(picture, {999, 1003, 1500, 1501}, 1);
  EXPECT_THAT(text, StartsWith("\"log2(A / B): query"));
  rows = cells(text);
  EXPECT_NEAR(rows[1][1].toDouble(), 0, 1e-3);
  EXPECT_NEAR(rows[1][2].toDouble(), 8, 1e-2);
  EXPECT_NEAR(rows[1][3].toDouble(), -8, 1e-2);
}

TEST_F(MapTableTest, NotCapturedIsNotANumberAndNoMapIsNothing) {
  tiles.setNotCaptured(15);
  const auto rows = cells(mapTable(picture, {0, 2, 4000, 4001}, 1));
  EXPECT_EQ(rows[1][1], QLatin1String("nan"));
  EXPECT_EQ(mapTable({}, {0, 10, 0, 10}, 1), "");
  EXPECT_EQ(cells(mapTable(picture, {9000, 9010, 0, 2}, 1))[0].size(), 1) << "beside the map there are no columns";
}

}  // namespace
}  // namespace kvatlas
