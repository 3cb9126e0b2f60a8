// The short forms of numbers, against naive decoding.
#include "core/page/packing.h"

#include <gmock/gmock.h>

#include <cmath>

namespace kvatlas::page {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string base64Of(std::string_view text) {
  return base64(std::vector<std::uint8_t>(text.begin(), text.end()));
}

TEST(PagePacking, Base64IsThatOfRfc4648) {
  EXPECT_EQ(base64Of(""), "");
  EXPECT_EQ(base64Of("f"), "Zg==");
  EXPECT_EQ(base64Of("fo"), "Zm8=");
  EXPECT_EQ(base64Of("foo"), "Zm9v");
  EXPECT_EQ(base64Of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64(std::vector<std::uint8_t>{0xFB, 0xFF, 0xBF}), "+/+/");
  for (std::uint64_t size = 0; size < 9; ++size) EXPECT_EQ(base64Of(std::string(size, 'x')).size(), base64Size(size));
}

TEST(PagePacking, BytesOfCodesAreWithinFourPerCent) {
  EXPECT_EQ(byteOfCode(0), 0);
  EXPECT_EQ(byteOfCode(65535), 255) << "p = 1";
  EXPECT_EQ(byteOfCode(1), 1) << "the smallest probability is not zero";
  for (const double p : {1.0, 0.5, 0.1, 0.012, 3e-4, 2e-6, 5e-9}) {
    const auto code = static_cast<std::uint16_t>(1 + std::lround((std::log2(p) + 32) / 32 * 65534));
    const double shown = std::exp2((byteOfCode(code) - 1) / 254.0 * 28 - 28);
    EXPECT_NEAR(shown / p, 1, 0.04) << p;
  }
}

TEST(PagePacking, RangesAreGapsAndLengths) {
  EXPECT_THAT(packRanges({}), IsEmpty());
  EXPECT_THAT(packRanges(std::vector<TokenIndex>{0, 1, 2, 5, 7, 8}), ElementsAre(0, 3, 2, 1, 1, 2));
  std::vector<TokenIndex> far{300};
  for (TokenIndex i = 0; i < 200; ++i) far.push_back(20000 + i);
  EXPECT_THAT(packRanges(far), ElementsAre(300 % 128 + 128, 300 / 128, 1, 19699 % 128 + 128, 19699 / 128 % 128 + 128,
                                           19699 / 128 / 128, 200 % 128 + 128, 1));
}

TEST(PagePacking, BinsKeepTheLargestOnALogScale) {
  EXPECT_THAT(logBins(std::vector<float>{1, 4096, 0, 64}, 4), ElementsAre(0, 255, 0, 128));
  EXPECT_THAT(logBins(std::vector<float>{1, 2, 8, 4}, 2), ElementsAre(255 - 255 / 6, 255));
  EXPECT_THAT(logBins({}, 4), IsEmpty());
}

TEST(PagePacking, ACharacterOfSeveralTokensBelongsToTheFirst) {
  const std::string text = "a\xC3\xA9z";
  EXPECT_THAT(tokenTexts(text, std::vector<std::uint64_t>{0, 1, 2, 3, 4}), ElementsAre("a", "\xC3\xA9", "", "z"));
}

}  // namespace
}  // namespace kvatlas::page
