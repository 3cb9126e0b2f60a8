#include "core/gguf/blocks.h"

namespace kvatlas::gguf {
namespace {

// Q4_K and Q5_K: eight scales and eight minima of 6 bits in 12 bytes. The first four of each lie in the low bits of
// bytes 0–3 and 4–7; of the others bytes 8–11 hold the low four bits and bytes 0–7 the high two.
struct Scales {
  std::uint8_t scale[8], minimum[8];
};

Scales unpackScales(Bytes packed) {
  Scales result{};
  for (int i = 0; i < 4; ++i) {
    result.scale[i] = packed[i] & 0x3F;
    result.minimum[i] = packed[4 + i] & 0x3F;
    result.scale[4 + i] = static_cast<std::uint8_t>((packed[8 + i] & 0x0F) | ((packed[i] >> 6) << 4));
    result.minimum[4 + i] = static_cast<std::uint8_t>((packed[8 + i] >> 4) | ((packed[4 + i] >> 6) << 4));
  }
  return result;
}

}  // namespace

// 16 × (scale, minimum) of 4 bits; 64 bytes of 2-bit values; d; dmin. Each 32 bytes hold 128 values: all the lowest
// two bits first, then the next two.
void expandQ2K(Bytes block, float* values) {
  const Bytes scales = block, quants = block + 16;
  const float d = halfAt(block + 80), minimum = halfAt(block + 82);
  for (int part = 0; part < 16; ++part) {
    const float scale = d * static_cast<float>(scales[part] & 0x0F);
    const float offset = minimum * static_cast<float>(scales[part] >> 4);
    const Bytes from = quants + 32 * (part / 8) + 16 * (part % 2);
    const int shift = 2 * (part / 2 % 4);
    for (int i = 0; i < 16; ++i) values[16 * part + i] = scale * static_cast<float>((from[i] >> shift) & 3) - offset;
  }
}

// 32 bytes of high bits; 64 bytes of low two bits; 16 scales of 6 bits in 12 bytes, less 32; d. A clear high bit
// lowers the value by 4.
void expandQ3K(Bytes block, float* values) {
  const Bytes high = block, quants = block + 32, packed = block + 96;
  const float d = halfAt(block + 108);
  for (int part = 0; part < 16; ++part) {
    const int low = part < 8 ? packed[part] & 0x0F : packed[part - 8] >> 4;
    const int top = (packed[8 + part % 4] >> (2 * (part / 4))) & 3;
    const float scale = d * static_cast<float>((low | top << 4) - 32);
    const Bytes from = quants + 32 * (part / 8) + 16 * (part % 2);
    const Bytes bits = high + 16 * (part % 2);
    const int shift = 2 * (part / 2 % 4), bit = part / 2;
    for (int i = 0; i < 16; ++i) {
      const int value = ((from[i] >> shift) & 3) - (((bits[i] >> bit) & 1) != 0 ? 0 : 4);
      values[16 * part + i] = scale * static_cast<float>(value);
    }
  }
}

// d; dmin; scales; 128 bytes of 4-bit values: each 32 bytes hold 32 low halves, then 32 high ones.
void expandQ4K(Bytes block, float* values) {
  const float d = halfAt(block), minimum = halfAt(block + 2);
  const Scales scales = unpackScales(block + 4);
  for (int part = 0; part < 8; ++part) {
    const float scale = d * static_cast<float>(scales.scale[part]);
    const float offset = minimum * static_cast<float>(scales.minimum[part]);
    const Bytes from = block + 16 + 32 * (part / 2);
    const int shift = 4 * (part % 2);
    for (int i = 0; i < 32; ++i) values[32 * part + i] = scale * static_cast<float>((from[i] >> shift) & 0x0F) - offset;
  }
}

// As Q4_K, with a fifth bit for each value: bit `part` of 32 bytes before the 4-bit values.
void expandQ5K(Bytes block, float* values) {
  const float d = halfAt(block), minimum = halfAt(block + 2);
  const Scales scales = unpackScales(block + 4);
  const Bytes high = block + 16;
  for (int part = 0; part < 8; ++part) {
    const float scale = d * static_cast<float>(scales.scale[part]);
    const float offset = minimum * static_cast<float>(scales.minimum[part]);
    const Bytes from = block + 48 + 32 * (part / 2);
    const int shift = 4 * (part % 2);
    for (int i = 0; i < 32; ++i) {
      const int value = ((from[i] >> shift) & 0x0F) | ((high[i] >> part) & 1) << 4;
      values[32 * part + i] = scale * static_cast<float>(value) - offset;
    }
  }
}

// 128 bytes of low four bits; 64 bytes of high two bits; 16 signed scales; d; values less 32. Each half of the block
// takes 64 and 32 bytes: low halves of the 64, then their high ones; the high bits two by two.
void expandQ6K(Bytes block, float* values) {
  const float d = halfAt(block + 208);
  for (int part = 0; part < 16; ++part) {
    const int half = part / 8, group = part / 2 % 4, column = 16 * (part % 2);
    const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + part]));
    const Bytes low = block + 64 * half + 32 * (group % 2) + column;
    const Bytes high = block + 128 + 32 * half + column;
    const int low_shift = 4 * (group / 2), high_shift = 2 * group;
    for (int i = 0; i < 16; ++i) {
      const int value = (((low[i] >> low_shift) & 0x0F) | ((high[i] >> high_shift) & 3) << 4) - 32;
      values[16 * part + i] = scale * static_cast<float>(value);
    }
  }
}

// d; 8 × 2 high bits and 8 × 4 low bits of scales, less 32; 128 bytes of 4-bit indices: each 16 bytes hold 16 low
// halves, then 16 high ones.
void expandIq4Xs(Bytes block, float* values) {
  const float d = halfAt(block);
  const std::uint16_t high = shortAt(block + 2);
  for (int part = 0; part < 8; ++part) {
    const int low = (block[4 + part / 2] >> (4 * (part % 2))) & 0x0F;
    const float scale = d * static_cast<float>((low | ((high >> (2 * part)) & 3) << 4) - 32);
    const Bytes from = block + 8 + 16 * part;
    for (int i = 0; i < 16; ++i) {
      values[32 * part + i] = scale * kLevels[from[i] & 0x0F];
      values[32 * part + 16 + i] = scale * kLevels[from[i] >> 4];
    }
  }
}

}  // namespace kvatlas::gguf
