#include "capture/model/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace kvatlas::capture {
namespace {

// Dynamic NTK: the base grows once the sequence is longer than the trained positions.
double baseFor(const RopeConfig& rope, std::uint32_t head_dim, std::uint64_t sequence_length) {
  if (rope.scaling != RopeScaling::Dynamic || sequence_length <= rope.original_positions) return rope.theta;
  const double stretch =
      rope.factor * static_cast<double>(sequence_length) / static_cast<double>(rope.original_positions);
  return rope.theta * std::pow(stretch - (rope.factor - 1), head_dim / (head_dim - 2.0));
}

// Llama 3.1: long wavelengths are slowed by the factor, short ones stay, those between are blended.
at::Tensor scaleLlama3(const RopeConfig& rope, const at::Tensor& frequencies) {
  const auto original = static_cast<double>(rope.original_positions);
  const at::Tensor wavelength = 2 * std::numbers::pi * frequencies.reciprocal();
  const at::Tensor slowed =
      at::where(wavelength > original / rope.low_freq_factor, frequencies / rope.factor, frequencies);
  const at::Tensor blend =
      (original * wavelength.reciprocal() - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
  const at::Tensor blended = (1 - blend) * slowed / rope.factor + blend * slowed;
  const at::Tensor between =
      at::logical_and(wavelength >= original / rope.high_freq_factor, wavelength <= original / rope.low_freq_factor);
  return at::where(between, blended, slowed);
}

RopeTable tableOf(const at::Tensor& angles, const at::TensorOptions& options) {
  return {angles.cos().to(options.device(), options.dtype().toScalarType()),
          angles.sin().to(options.device(), options.dtype().toScalarType())};
}

}  // namespace

at::Tensor inverseFrequencies(const RopeConfig& rope, std::uint32_t head_dim, std::uint64_t sequence_length) {
  const double base = baseFor(rope, head_dim, sequence_length);
  const at::Tensor exponent =
      at::arange(0, static_cast<std::int64_t>(head_dim), 2, at::kFloat) / static_cast<double>(head_dim);
  const at::Tensor frequencies = at::pow(at::Scalar(base), exponent).reciprocal();
  if (!rope.frequency_factors.empty()) return frequencies / at::tensor(rope.frequency_factors) / rope.factor;
  if (rope.scaling == RopeScaling::Linear) return frequencies / rope.factor;
  if (rope.scaling == RopeScaling::Llama3) return scaleLlama3(rope, frequencies);
  return frequencies;
}

RopeTable promptTable(const RopeConfig& rope, std::uint32_t head_dim, std::uint64_t count,
                      const at::TensorOptions& options) {
  const at::Tensor positions = at::arange(static_cast<std::int64_t>(count), at::kLong).to(at::kFloat);
  return tableOf(at::outer(positions, inverseFrequencies(rope, head_dim, count)), options);
}

RopeTable stepTable(const RopeConfig& rope, std::uint32_t head_dim, std::span<const std::uint64_t> positions,
                    std::uint64_t prompt_tokens, const at::TensorOptions& options) {
  std::vector<at::Tensor> rows;
  rows.reserve(positions.size());
  at::Tensor frequencies;
  for (const std::uint64_t position : positions) {
    if (!frequencies.defined() || rope.scaling == RopeScaling::Dynamic)
      frequencies = inverseFrequencies(rope, head_dim, std::max(prompt_tokens, position + 1));
    rows.push_back(frequencies * static_cast<float>(position));
  }
  return tableOf(at::stack(rows), options);
}

void rotateInto(const at::Tensor& out, const at::Tensor& rows, const RopeTable& table) {
  const std::int64_t half = rows.size(2) / 2;
  const at::Tensor first = rows.narrow(2, 0, half).transpose(0, 1);
  const at::Tensor second = rows.narrow(2, half, half).transpose(0, 1);
  // Products and sums one by one, in the compute type, as Transformers rounds them.
  out.narrow(2, 0, half).copy_(first * table.cosine - second * table.sine);
  out.narrow(2, half, half).copy_(second * table.cosine + first * table.sine);
}

}  // namespace kvatlas::capture
