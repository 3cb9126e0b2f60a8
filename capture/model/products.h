// The decoder's matrix products through the fastest library path of the machine.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>

namespace kvatlas::capture {

struct Linear {
  at::Tensor weight;  // [out, in], or undefined once packed
  at::Tensor bias;    // [out], or undefined
  at::Tensor packed;  // the weight in oneDNN's blocked layout, or undefined
};

enum class ProductPath {
  Measured,  // the faster of both
  Plain,     // at::linear: MKL for f32, oneDNN without packing for bf16
  Packed,    // oneDNN with weights packed once
};
[[nodiscard]] const char* nameOf(ProductPath path);

// rows [n, in] → [n, out]. Packed, a row's result depends neither on n nor on the number of threads.
[[nodiscard]] at::Tensor product(const Linear& linear, const at::Tensor& rows);

// Times both paths once per process and type (f32 or bf16), on one thread, with a product of the size of a layer's.
// Packed wins unless Plain is a quarter faster: a disturbed measurement must not change the sums that a model's numbers
// come from.
[[nodiscard]] ProductPath fasterPath(at::ScalarType type);

// Replaces the weight by its packed form.
void pack(Linear& linear);
// The weight [out, in] as it was before it was packed.
[[nodiscard]] at::Tensor plainWeight(const Linear& linear);
// One product for several that read the same rows: their outputs side by side. All have a bias or none.
[[nodiscard]] Linear joined(std::span<const Linear* const> parts);

}  // namespace kvatlas::capture
