// The 16-bit log₂ code that trace files use for probabilities.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvatlas::kernels {

// code(p) = 0 for p ≤ 0 (zero, masked), else 1 + round((log₂ p + 32)/32 · 65534) clamped to 1 … 65535.
void encodeLog2(const float* probability, std::uint16_t* code, std::size_t count);
// 0 → 0, else 2^((code − 1)/65534 · 32 − 32). Relative error of the round trip ≤ 1.7e-4.
void decodeLog2(const std::uint16_t* code, float* probability, std::size_t count);

[[nodiscard]] std::uint16_t encodeLog2(double probability);  // the formula in double precision
[[nodiscard]] double decodeLog2(std::uint16_t code);

}  // namespace kvatlas::kernels
