#include "capture/model/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp.h>
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

// Dynamic NTK: the base grows when the sequence is longer than the trained positions.
double baseFor(const RopeConfig& rope, std::uint32_t head_dim, std::uint64_t sequence_length) {
  if (rope.scaling != RopeScaling::Dynamic || sequence_length <= rope.original_positions) return rope.theta;
  const double stretch =
      rope.factor * static_cast<double>(sequence_length) / static_cast<double>(rope.original_positions);
  return rope.theta * std::pow(stretch - (rope.factor - 1), head_dim / (head_dim - 2.0));
}

// Llama 3.1: divides the frequency of long wavelengths by the factor, keeps short ones, interpolates between.
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

// The dimension at which a frequency turns `rotations` times within the trained positions.
double yarnDimension(const RopeConfig& rope, std::uint32_t head_dim, double rotations) {
  const double turns = static_cast<double>(rope.original_positions) / (rotations * 2 * std::numbers::pi);
  return head_dim * std::log(turns) / (2 * std::log(rope.theta));
}

// YaRN (Peng et al. 2023): fast frequencies stay, slow ones are divided by the factor, those between are blended.
at::Tensor scaleYarn(const RopeConfig& rope, std::uint32_t head_dim, const at::Tensor& frequencies) {
  double low = yarnDimension(rope, head_dim, rope.beta_fast), high = yarnDimension(rope, head_dim, rope.beta_slow);
  if (rope.truncate_range) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, head_dim - 1.0);
  if (low == high) high += 0.001;
  const at::Tensor ramp =
      ((at::arange(static_cast<std::int64_t>(head_dim / 2), at::kFloat) - low) / (high - low)).clamp(0, 1);
  return frequencies / rope.factor * ramp + frequencies * (1 - ramp);
}

// The product with the attention factor is rounded in float32, as Transformers rounds it.
RopeTable tableOf(const RopeConfig& rope, const at::Tensor& angles, const at::TensorOptions& options) {
  const auto scaled = [&](const at::Tensor& table) {
    const at::Tensor wide = rope.attention_factor == 1 ? table : table * rope.attention_factor;
    return wide.to(options.device(), options.dtype().toScalarType());
  };
  return {scaled(angles.cos()), scaled(angles.sin())};
}

bool dependsOnLength(const RopeConfig& rope) {
  return rope.scaling == RopeScaling::Dynamic || rope.scaling == RopeScaling::LongRope;
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
  if (rope.scaling == RopeScaling::Yarn) return scaleYarn(rope, head_dim, frequencies);
  if (rope.scaling == RopeScaling::LongRope)
    return frequencies / at::tensor(sequence_length > rope.original_positions ? rope.long_factors : rope.short_factors);
  return frequencies;
}

RopeTable promptTable(const RopeConfig& rope, std::uint32_t head_dim, std::uint64_t count,
                      const at::TensorOptions& options) {
  const at::Tensor positions = at::arange(static_cast<std::int64_t>(count), at::kLong).to(at::kFloat);
  return tableOf(rope, at::outer(positions, inverseFrequencies(rope, head_dim, count)), options);
}

RopeTable stepTable(const RopeConfig& rope, std::uint32_t head_dim, std::span<const std::uint64_t> positions,
                    std::uint64_t prompt_tokens, const at::TensorOptions& options) {
  std::vector<at::Tensor> rows;
  rows.reserve(positions.size());
  at::Tensor frequencies;
  for (const std::uint64_t position : positions) {
    if (!frequencies.defined() || dependsOnLength(rope))
      frequencies = inverseFrequencies(rope, head_dim, std::max(prompt_tokens, position + 1));
    rows.push_back(frequencies * static_cast<float>(position));
  }
  return tableOf(rope, at::stack(rows), options);
}

}  // namespace kvatlas::capture
