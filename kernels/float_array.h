// A read-only array of f32 numbers or bf16 bits, so that one kernel reads both.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace kvatlas::kernels {

[[nodiscard]] constexpr float fromBf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

// Rounded to nearest even; NaN stays NaN.
[[nodiscard]] constexpr std::uint16_t bf16Bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) {
    return static_cast<std::uint16_t>(bits >> 16U | 0x40U);
  }
  return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16U & 1U)) >> 16U);
}

class FloatArray {
 public:
  constexpr FloatArray() = default;
  constexpr FloatArray(const float* values) : m_f32(values) {}
  constexpr FloatArray(const std::uint16_t* bf16) : m_bf16(bf16) {}

  [[nodiscard]] constexpr bool empty() const { return m_f32 == nullptr && m_bf16 == nullptr; }
  [[nodiscard]] constexpr const float* f32() const { return m_f32; }            // or null
  [[nodiscard]] constexpr const std::uint16_t* bf16() const { return m_bf16; }  // or null
  [[nodiscard]] constexpr float operator[](std::size_t i) const {
    return m_f32 != nullptr ? m_f32[i] : fromBf16(m_bf16[i]);
  }
  [[nodiscard]] constexpr FloatArray from(std::size_t first) const {
    return m_f32 != nullptr ? FloatArray(m_f32 + first) : FloatArray(m_bf16 + first);
  }
  void copyTo(float* out, std::size_t count) const {
    if (m_f32 != nullptr) {
      std::copy_n(m_f32, count, out);
    } else {
      std::transform(m_bf16, m_bf16 + count, out, fromBf16);
    }
  }

 private:
  const float* m_f32 = nullptr;
  const std::uint16_t* m_bf16 = nullptr;
};

}  // namespace kvatlas::kernels
