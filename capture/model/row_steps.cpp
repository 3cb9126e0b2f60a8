#include "capture/model/row_steps.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

#include "capture/model/host_values.h"
#include "kernels/decoder_rows.h"

namespace kvatlas::capture {
namespace {

bool onHost(const at::Tensor& tensor) {
  return tensor.is_cpu() && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16) &&
         tensor.stride(-1) == 1;
}

kernels::ConstRows constRows(const at::Tensor& rows) {
  return {hostValues(rows), static_cast<std::size_t>(rows.stride(0))};
}

kernels::Rows mutableRows(const at::Tensor& rows) {
  const auto stride = static_cast<std::size_t>(rows.stride(0));
  if (rows.scalar_type() == at::kFloat) return {.f32 = rows.mutable_data_ptr<float>(), .stride = stride};
  return {.bf16 = static_cast<std::uint16_t*>(rows.mutable_data_ptr()), .stride = stride};
}

kernels::RowShape shapeOf(const at::Tensor& rows) {
  return {static_cast<std::size_t>(rows.size(0)), static_cast<std::size_t>(rows.size(1))};
}

// [n, w] or [n, heads, d]: each token's heads are rows of their own.
void normInto(const at::Tensor& out, const at::Tensor& rows, const at::Tensor& weight, double eps) {
  if (rows.dim() == 3) {
    for (std::int64_t token = 0; token < rows.size(0); ++token) normInto(out[token], rows[token], weight, eps);
    return;
  }
  kernels::normRows(shapeOf(rows), constRows(rows), hostValues(weight), static_cast<float>(eps), mutableRows(out));
}

void rotateOnHost(const at::Tensor& out, const at::Tensor& rows, const RopeTable& table) {
  kernels::Rows target = mutableRows(out);
  target.stride = static_cast<std::size_t>(out.stride(1));
  kernels::rotateRows({.count = static_cast<std::size_t>(rows.size(0)),
                       .heads = static_cast<std::size_t>(rows.size(1)),
                       .head_dim = static_cast<std::size_t>(rows.size(2)),
                       .in = constRows(rows),
                       .cosine = hostValues(table.cosine),
                       .sine = hostValues(table.sine),
                       .out = target,
                       .head_stride = static_cast<std::size_t>(out.stride(0))});
}

}  // namespace

// Zhang & Sennrich 2019.
at::Tensor normed(const at::Tensor& rows, const at::Tensor& weight, double eps) {
  if (onHost(rows)) {
    at::Tensor out = at::empty(rows.sizes(), rows.options());
    normInto(out, rows, weight, eps);
    return out;
  }
  const at::Tensor wide = rows.to(at::kFloat);
  const at::Tensor scale = (wide.pow(2).mean(-1, true) + eps).rsqrt();
  return weight * (wide * scale).to(rows.scalar_type());
}

at::Tensor addAndNormed(const at::Tensor& residual, const at::Tensor& delta, const at::Tensor& weight, double eps) {
  if (onHost(residual)) {
    at::Tensor out = at::empty(residual.sizes(), residual.options());
    kernels::addAndNormRows(shapeOf(residual), mutableRows(residual), constRows(delta), hostValues(weight),
                            static_cast<float>(eps), mutableRows(out));
    return out;
  }
  residual.add_(delta);
  return normed(residual, weight, eps);
}

void addInPlace(const at::Tensor& residual, const at::Tensor& delta) {
  if (onHost(residual)) return kernels::addRows(shapeOf(residual), mutableRows(residual), constRows(delta));
  residual.add_(delta);
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) {
  if (!onHost(gate)) return at::silu(gate).mul_(up);
  at::Tensor out = at::empty(gate.sizes(), gate.options());
  kernels::gateRows(shapeOf(gate), constRows(gate), constRows(up), mutableRows(out));
  return out;
}

void rotateInto(const at::Tensor& out, const at::Tensor& rows, const RopeTable& table) {
  // Heads of a token must lie side by side for the one pass.
  if (onHost(rows) && rows.stride(1) == rows.size(2)) return rotateOnHost(out, rows, table);
  const std::int64_t half = rows.size(2) / 2;
  const at::Tensor first = rows.narrow(2, 0, half).transpose(0, 1);
  const at::Tensor second = rows.narrow(2, half, half).transpose(0, 1);
  // Separate products and sums in the compute type, to round as Transformers does.
  out.narrow(2, 0, half).copy_(first * table.cosine - second * table.sine);
  out.narrow(2, half, half).copy_(second * table.cosine + first * table.sine);
}

}  // namespace kvatlas::capture
