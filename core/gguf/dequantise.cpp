#include "core/gguf/dequantise.h"

#include "core/base/error.h"
#include "core/gguf/blocks.h"

namespace kvatlas::gguf {
namespace {

void expandF32(Bytes block, float* values) {
  std::memcpy(values, block, sizeof *values);
}
void expandF16(Bytes block, float* values) {
  *values = halfAt(block);
}
void expandBf16(Bytes block, float* values) {
  const std::uint32_t bits = std::uint32_t{shortAt(block)} << 16;
  std::memcpy(values, &bits, sizeof *values);
}

// The blocks of 32: the low halves of 16 bytes are the first 16 values, the high halves the others.
void expandQ40(Bytes block, float* values) {
  const float d = halfAt(block);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * static_cast<float>((block[2 + i] & 0x0F) - 8);
    values[16 + i] = d * static_cast<float>((block[2 + i] >> 4) - 8);
  }
}

void expandQ41(Bytes block, float* values) {
  const float d = halfAt(block), minimum = halfAt(block + 2);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * static_cast<float>(block[4 + i] & 0x0F) + minimum;
    values[16 + i] = d * static_cast<float>(block[4 + i] >> 4) + minimum;
  }
}

// The fifth bits of all 32 values in 4 bytes.
std::uint32_t fifthBits(Bytes bytes) {
  std::uint32_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

void expandQ50(Bytes block, float* values) {
  const float d = halfAt(block);
  const std::uint32_t high = fifthBits(block + 2);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * static_cast<float>(((block[6 + i] & 0x0F) | static_cast<int>(high >> i & 1) << 4) - 16);
    values[16 + i] = d * static_cast<float>(((block[6 + i] >> 4) | static_cast<int>(high >> (16 + i) & 1) << 4) - 16);
  }
}

void expandQ51(Bytes block, float* values) {
  const float d = halfAt(block), minimum = halfAt(block + 2);
  const std::uint32_t high = fifthBits(block + 4);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * static_cast<float>((block[8 + i] & 0x0F) | static_cast<int>(high >> i & 1) << 4) + minimum;
    values[16 + i] =
        d * static_cast<float>((block[8 + i] >> 4) | static_cast<int>(high >> (16 + i) & 1) << 4) + minimum;
  }
}

void expandQ80(Bytes block, float* values) {
  const float d = halfAt(block);
  for (int i = 0; i < 32; ++i) values[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * d;
}

void expandIq4Nl(Bytes block, float* values) {
  const float d = halfAt(block);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * kLevels[block[2 + i] & 0x0F];
    values[16 + i] = d * kLevels[block[2 + i] >> 4];
  }
}

ExpandBlock expanderOf(TensorType type) {
  switch (type) {
    case TensorType::F32:
      return expandF32;
    case TensorType::F16:
      return expandF16;
    case TensorType::BF16:
      return expandBf16;
    case TensorType::Q4_0:
      return expandQ40;
    case TensorType::Q4_1:
      return expandQ41;
    case TensorType::Q5_0:
      return expandQ50;
    case TensorType::Q5_1:
      return expandQ51;
    case TensorType::Q8_0:
      return expandQ80;
    case TensorType::Q2_K:
      return expandQ2K;
    case TensorType::Q3_K:
      return expandQ3K;
    case TensorType::Q4_K:
      return expandQ4K;
    case TensorType::Q5_K:
      return expandQ5K;
    case TensorType::Q6_K:
      return expandQ6K;
    case TensorType::IQ4_NL:
      return expandIq4Nl;
    case TensorType::IQ4_XS:
      return expandIq4Xs;
  }
  fail("tensors of type {} are not read", layoutOf(type).name);
}

}  // namespace

void dequantise(TensorType type, std::span<const std::byte> blocks, std::span<float> values) {
  const TensorLayout& layout = layoutOf(type);
  const std::size_t count = blocks.size() / layout.bytes;
  if (blocks.size() % layout.bytes != 0 || values.size() != count * layout.elements)
    failUsage("dequantise: {} bytes of {} are not {} values", blocks.size(), layout.name, values.size());
  const ExpandBlock expand = expanderOf(type);
  const auto* from = reinterpret_cast<Bytes>(blocks.data());
  for (std::size_t i = 0; i < count; ++i) expand(from + i * layout.bytes, values.data() + i * layout.elements);
}

}  // namespace kvatlas::gguf
