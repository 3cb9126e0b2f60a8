// Lists and ranges of numbers, as --depths and --lengths take them.
#include "app/cli/number_list.h"

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvatlas::app {
namespace {

using ::testing::ElementsAre;

TEST(NumberList, ARangeHasBothItsEnds) {
  EXPECT_THAT(parseNumbers("--depths", "0:100:5"), ElementsAre(0, 25, 50, 75, 100));
  EXPECT_THAT(parseNumbers("--depths", "100:0:3"), ElementsAre(100, 50, 0));
  EXPECT_THAT(parseNumbers("--depths", "0:1:3"), ElementsAre(0, 0.5, 1));
  EXPECT_THAT(parseNumbers("--depths", "0:100:4"), ElementsAre(0, 33.3, 66.7, 100)) << "rounded to tenths";
  EXPECT_THAT(parseNumbers("--depths", "30:70:1"), ElementsAre(30)) << "one value: the start";
  EXPECT_THAT(parseCounts("--lengths", "128:512:3"), ElementsAre(128, 320, 512));
}

TEST(NumberList, ListsKeepTheirOrderAndMayHoldRanges) {
  EXPECT_THAT(parseCounts("--lengths", "512,128"), ElementsAre(512, 128));
  EXPECT_THAT(parseNumbers("--depths", "5,0:10:2,12.25"), ElementsAre(5, 0, 10, 12.25));
}

TEST(NumberList, OtherTextIsRefused) {
  for (const char* text :
       {"", "a", "1,", ",1", "1:2", "1:2:3:4", "1:2:0", "1:2:1.5", "1:2:10001", "nan", "inf", "1 2", "0x10"})
    EXPECT_THROW((void)parseNumbers("--depths", text), UsageError) << text;
  for (const char* text : {"0", "-1", "1.5", "4294967296", "0:2:3"})
    EXPECT_THROW((void)parseCounts("--lengths", text), UsageError) << text;
}

}  // namespace
}  // namespace kvatlas::app
