// The decoder's matrix products. The path depends on the machine and the type alone: a timed choice would change the
// last bits of a model's numbers from run to run.
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
  Plain,   // at::linear: MKL for f32, oneDNN without packing for bf16
  Packed,  // oneDNN with weights packed once, where it packs the type
};

// Whether oneDNN packs weights of the type on this machine: bf16 needs AVX-512 or AMX.
[[nodiscard]] bool packable(at::ScalarType type);

// rows [n, in] → [n, out]. Packed, a row's result depends neither on n nor on the number of threads.
[[nodiscard]] at::Tensor product(const Linear& linear, const at::Tensor& rows);

// Replaces the weight by its packed form.
void pack(Linear& linear);
// The weight [out, in] as it was before it was packed.
[[nodiscard]] at::Tensor plainWeight(const Linear& linear);
// One product for several that read the same rows: their outputs side by side. All have a bias or none.
[[nodiscard]] Linear joined(std::span<const Linear* const> parts);

}  // namespace kvatlas::capture
