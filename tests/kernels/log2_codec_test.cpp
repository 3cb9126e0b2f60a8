#include "kernels/log2_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/simd_targets.h"

namespace kvatlas::kernels {
namespace {

std::vector<std::uint16_t> encode(const std::vector<float>& values) {
  std::vector<std::uint16_t> codes(values.size(), 12345);
  encodeLog2(values.data(), codes.data(), values.size());
  return codes;
}

TEST(Log2Codec, everyCodeRoundTrips) {
  forEachTarget([] {
    std::vector<std::uint16_t> codes(65536);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      codes[i] = static_cast<std::uint16_t>(i);
    }
    std::vector<float> values(codes.size());
    decodeLog2(codes.data(), values.data(), codes.size());
    EXPECT_EQ(encode(values), codes);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      ASSERT_EQ(encodeLog2(decodeLog2(codes[i])), codes[i]);
      ASSERT_EQ(values[i], static_cast<float>(decodeLog2(codes[i])));
    }
  });
}

TEST(Log2Codec, knownValues) {
  EXPECT_EQ(encodeLog2(0.0), 0);
  EXPECT_EQ(encodeLog2(-1.0), 0);
  EXPECT_EQ(encodeLog2(std::nan("")), 0);
  EXPECT_EQ(encodeLog2(1.0), 65535);
  EXPECT_EQ(encodeLog2(2.0), 65535);
  EXPECT_EQ(encodeLog2(0x1p-32), 1);
  EXPECT_EQ(encodeLog2(0x1p-40), 1);
  EXPECT_EQ(encodeLog2(0x1p-16), 1 + 32767);
  EXPECT_EQ(encodeLog2(0x1p-8), 1 + 49151);  // 49150.5: halves round away from zero
  EXPECT_EQ(decodeLog2(65535), 1.0);
  EXPECT_EQ(decodeLog2(1), 0x1p-32);
  EXPECT_EQ(decodeLog2(0), 0.0);
}

TEST(Log2Codec, simdGivesTheCodesOfTheFormula) {
  forEachTarget([] {
    std::vector<float> values = {0.0F,
                                 -0.0F,
                                 -1.0F,
                                 1.0F,
                                 1.5F,
                                 0x1p-31F,
                                 0x1p-126F,
                                 0x1p-149F,
                                 std::numeric_limits<float>::infinity(),
                                 -std::numeric_limits<float>::infinity(),
                                 std::numeric_limits<float>::quiet_NaN(),
                                 std::numeric_limits<float>::max()};
    // Both boundaries of every code, from both sides, to expose rounding errors.
    for (int code = 1; code < 65535; ++code) {
      const auto boundary = static_cast<float>(std::exp2((code - 0.5) / 65534 * 32 - 32));
      const auto bits = std::bit_cast<std::uint32_t>(boundary);
      for (std::uint32_t near = bits - 2; near <= bits + 2; ++near) {
        values.push_back(std::bit_cast<float>(near));
      }
    }
    for (int power = 0; power <= 32; ++power) {
      values.push_back(std::ldexp(1.0F, -power));
    }
    const std::vector<std::uint16_t> codes = encode(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(codes[i], encodeLog2(static_cast<double>(values[i]))) << values[i];
    }
  });
}

TEST(Log2Codec, relativeErrorOfTheRoundTrip) {
  double worst = 0;
  for (double p = 0x1p-32; p <= 1; p *= 1.00001) {
    worst = std::max(worst, std::abs(decodeLog2(encodeLog2(p)) / p - 1));
  }
  EXPECT_LE(worst, 1.7e-4);
  EXPECT_GE(worst, 1.6e-4);  // the grid is as coarse as documented
}

TEST(Log2Codec, lengthsThatFillNoVector) {
  forEachTarget([] {
    for (std::size_t count = 0; count < 40; ++count) {
      const std::vector<float> values(count, 0.3F);
      std::vector<std::uint16_t> codes(count + 1, 7);
      encodeLog2(values.data(), codes.data(), count);
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(codes[i], encodeLog2(static_cast<double>(0.3F)));
      }
      EXPECT_EQ(codes[count], 7);
    }
  });
}

}  // namespace
}  // namespace kvatlas::kernels
