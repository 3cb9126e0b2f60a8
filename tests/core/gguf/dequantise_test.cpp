// Every tensor type against the `gguf` package of PyPI, bit by bit (tests/data/gguf/make_gguf_goldens.py).
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/gguf/blocks.h"
#include "core/gguf/dequantise.h"

namespace kvatlas::gguf {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(KVATLAS_TEST_DATA) / "gguf";

TEST(Dequantise, EveryTypeIsBitEqualToTheReference) {
  const std::string data = readFile(kFolder / "blocks.bin");
  const auto index = readJsonFile(kFolder / "blocks.json");
  ASSERT_EQ(index.size(), 15U);
  for (const auto& entry : index) {
    SCOPED_TRACE(entry.at("type").get<std::string>());
    const TensorLayout* layout = layoutOf(entry.at("number").get<std::uint32_t>());
    ASSERT_NE(layout, nullptr);
    EXPECT_EQ(layout->name, entry.at("type").get<std::string>());
    EXPECT_TRUE(layout->readable);
    const auto at = entry.at("at").get<std::size_t>(), bytes = entry.at("bytes").get<std::size_t>();
    std::vector<float> values(entry.at("values").get<std::size_t>()), expected(values.size());
    std::memcpy(expected.data(), data.data() + at + bytes, expected.size() * sizeof(float));
    dequantise(layout->type, std::as_bytes(std::span(data).subspan(at, bytes)), values);
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(expected[i]))
          << "value " << i << ": " << values[i] << ", expected " << expected[i];
  }
}

TEST(Dequantise, HalvesAreExact) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const double mantissa = half & 0x3FF, sign = (half & 0x8000) != 0 ? -1 : 1;
    const int exponent = (half >> 10) & 31;
    const float value = halfToFloat(half);
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), mantissa != 0);
      EXPECT_TRUE(mantissa != 0 || value == sign * INFINITY) << bits;
    } else {
      const double expected = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
      ASSERT_EQ(value, sign * expected) << bits;
      ASSERT_EQ(std::signbit(value), sign < 0) << bits;
    }
  }
}

TEST(Dequantise, SizesThatDoNotFitAreRefused) {
  std::vector<std::byte> blocks(18 * 2);
  std::vector<float> values(64);
  EXPECT_NO_THROW(dequantise(TensorType::Q4_0, blocks, values));
  EXPECT_THROW(dequantise(TensorType::Q4_0, std::span(blocks).first(35), values), UsageError);
  EXPECT_THROW(dequantise(TensorType::Q4_0, blocks, std::span(values).first(63)), UsageError);
}

TEST(Dequantise, TypesThatAreOnlyKnownBySizeAreRefused) {
  const TensorLayout* layout = layoutOf(std::uint32_t{16});
  ASSERT_NE(layout, nullptr);
  EXPECT_FALSE(layout->readable);
  std::vector<std::byte> blocks(layout->bytes);
  std::vector<float> values(layout->elements);
  EXPECT_THROW(dequantise(layout->type, blocks, values), Error);
  EXPECT_EQ(layoutOf(std::uint32_t{4}), nullptr);
}

}  // namespace
}  // namespace kvatlas::gguf
