// The steps between a decoder layer's matrix products: norm, residual, gated activation, rotary embedding. Each makes
// one pass over its rows, on the calling thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/float_array.h"

namespace kvatlas::kernels {

// Rows of f32 or bf16 bits, contiguous along a row. All arguments of one call have the same type; bf16 values are
// rounded to nearest even after every step that Hugging Face Transformers computes in the compute type.
struct ConstRows {
  FloatArray data;
  std::size_t stride = 0;  // elements from row to row
};
struct Rows {
  float* f32 = nullptr;  // or
  std::uint16_t* bf16 = nullptr;
  std::size_t stride = 0;
};

// `count` rows of `width` columns.
struct RowShape {
  std::size_t count = 0, width = 0;
};

// out = weight · x / √(mean(x²) + eps), the mean in f32 (Zhang & Sennrich 2019). weight [width].
void normRows(const RowShape& shape, const ConstRows& in, FloatArray weight, float eps, const Rows& out);

// residual += delta, then `out` its norm.
void addAndNormRows(const RowShape& shape, const Rows& residual, const ConstRows& delta, FloatArray weight, float eps,
                    const Rows& out);

// residual += delta.
void addRows(const RowShape& shape, const Rows& residual, const ConstRows& delta);

// out = gate / (1 + e^−gate) · up. `out` may be `gate`.
void gateRows(const RowShape& shape, const ConstRows& gate, const ConstRows& up, const Rows& out);

// Rotary embedding in the "rotate half" convention of `count` tokens' heads.
struct Rotation {
  std::size_t count = 0, heads = 0, head_dim = 0;
  ConstRows in;             // [count] rows of [heads, head_dim]
  FloatArray cosine, sine;  // [count, head_dim / 2]
  Rows out;                 // element (token, head, k) at token · stride + head · head_stride + k
  std::size_t head_stride = 0;
};
void rotateRows(const Rotation& rotation);

}  // namespace kvatlas::kernels
