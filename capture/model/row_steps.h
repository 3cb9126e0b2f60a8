// The steps between a layer's products: on the host in one pass each (kernels/decoder_rows.h), else by ATen.
#pragma once

#include <ATen/core/Tensor.h>

#include "capture/model/rope.h"

namespace kvatlas::capture {

// weight · x / √(mean(x²) + eps) over the last dimension; the mean in float32 as in Transformers.
[[nodiscard]] at::Tensor normed(const at::Tensor& rows, const at::Tensor& weight, double eps);
// residual += delta in place; returns its norm.
[[nodiscard]] at::Tensor addAndNormed(const at::Tensor& residual, const at::Tensor& delta, const at::Tensor& weight,
                                      double eps);
void addInPlace(const at::Tensor& residual, const at::Tensor& delta);
// silu(gate) · up.
[[nodiscard]] at::Tensor gated(const at::Tensor& gate, const at::Tensor& up);
// [n, heads, d] → the rotated [heads, n, d], written to `out` (a view of that shape).
void rotateInto(const at::Tensor& out, const at::Tensor& rows, const RopeTable& table);

}  // namespace kvatlas::capture
