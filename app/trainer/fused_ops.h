// Root-mean-square norm and rotary embedding as one pass over memory in each direction, differentiable.
#pragma once

#include <ATen/core/Tensor.h>

namespace kvatlas::trainer {

// x [rows…, width] f32 · gain [width] / rms(x), in the type `compute` (f32 or bf16). On the host each direction is one
// pass; elsewhere it uses libtorch's operators. The sum over rows has a fixed order for every thread count.
[[nodiscard]] at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& gain, double eps, at::ScalarType compute);

// rows [batch, n, heads, d] f32 or bf16, cosine and sine [n, d/2] f32 → [batch, heads, n, d] f32, "rotate half".
[[nodiscard]] at::Tensor rotate(const at::Tensor& rows, const at::Tensor& cosine, const at::Tensor& sine);

}  // namespace kvatlas::trainer
