// Values rounded to bf16 and their bits.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace kvatlas::kernels {

// Round to nearest even; infinities stay, NaN is not supported.
inline std::uint16_t toBf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16U & 1U)) >> 16U);
}

inline std::vector<std::uint16_t> toBf16(const std::vector<float>& values) {
  std::vector<std::uint16_t> bits(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) bits[i] = toBf16(values[i]);
  return bits;
}

}  // namespace kvatlas::kernels
