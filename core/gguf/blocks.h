// What the block layouts of GGUF share: halves, bytes, the signature of one block's expansion.
#pragma once

#include <cstdint>
#include <cstring>

namespace kvatlas::gguf {

using Bytes = const std::uint8_t*;
using ExpandBlock = void (*)(Bytes block, float* values);

// IEEE binary16; the payload of a NaN is kept.
inline float halfToFloat(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  std::uint32_t mantissa = half & 0x3FFU;
  std::uint32_t bits = sign;
  if (exponent == 31) {
    bits |= 0x7F800000U | mantissa << 13;
  } else if (exponent != 0) {
    bits |= (exponent + 112) << 23 | mantissa << 13;
  } else if (mantissa != 0) {  // subnormal: 2^-24 · mantissa, normal as a float
    std::uint32_t shift = 0;
    for (; (mantissa & 0x400U) == 0; ++shift) mantissa <<= 1;
    bits |= (113 - shift) << 23 | (mantissa & 0x3FFU) << 13;
  }
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint16_t shortAt(Bytes bytes) {
  return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
}
inline float halfAt(Bytes bytes) {
  return halfToFloat(shortAt(bytes));
}

// The 16 levels of IQ4_NL and IQ4_XS.
inline constexpr float kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// Blocks of 256 elements with scales of their own for parts of 16 or 32.
void expandQ2K(Bytes block, float* values);
void expandQ3K(Bytes block, float* values);
void expandQ4K(Bytes block, float* values);
void expandQ5K(Bytes block, float* values);
void expandQ6K(Bytes block, float* values);
void expandIq4Xs(Bytes block, float* values);

}  // namespace kvatlas::gguf
