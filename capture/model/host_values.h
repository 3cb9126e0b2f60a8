// A host tensor's numbers as the kernels read them.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/float_array.h"

namespace kvatlas::capture {

// Contiguous, f16 widened: the kernels read f32 and bf16.
[[nodiscard]] inline at::Tensor readable(const at::Tensor& tensor) {
  return (tensor.scalar_type() == at::kHalf ? tensor.to(at::kFloat) : tensor).contiguous();
}

// Of a contiguous f32 or bf16 tensor, which must outlive the result.
[[nodiscard]] inline kernels::FloatArray hostValues(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kBFloat16) return static_cast<const std::uint16_t*>(tensor.const_data_ptr());
  return tensor.const_data_ptr<float>();
}

}  // namespace kvatlas::capture
