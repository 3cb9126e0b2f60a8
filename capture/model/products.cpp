#include "capture/model/products.h"

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <c10/util/Exception.h>

#include <optional>
#include <string_view>
#include <vector>

#include "capture/model/host_threads.h"

namespace kvatlas::capture {
namespace {

// The layout is chosen for products of many rows; it is the fastest for 2 to 16 rows too.
constexpr std::int64_t kPackedRows = 512;

// Fewer rows are computed as so many: oneDNN sums a single row in another order than it has in any batch, and its
// products of two or three rows take a fifth longer than those of four.
constexpr std::int64_t kLeastRows = 4;

at::Tensor packedWeight(const at::Tensor& weight) {
  static const auto reorder = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                  .typed<at::Tensor(const at::Tensor&, std::optional<std::int64_t>)>();
  return reorder.call(weight.contiguous(), kPackedRows);
}

at::Tensor packedProduct(const at::Tensor& rows, const at::Tensor& packed, const at::Tensor& bias) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto multiply =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
                            Scalars, std::optional<std::string_view>)>();
  const std::optional<at::Tensor> addend = bias.defined() ? std::optional(bias) : std::nullopt;
  return multiply.call(rows, packed, addend, "none", Scalars(), std::nullopt);
}

at::Tensor plainProduct(const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& bias) {
  return bias.defined() ? at::linear(rows, weight, bias) : at::linear(rows, weight);
}

bool canPack(at::ScalarType type) {
  try {
    const at::Tensor weight = at::ones({16, 16}, at::TensorOptions().dtype(type));
    static_cast<void>(packedProduct(weight, packedWeight(weight), {}));
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

}  // namespace

at::Tensor product(const Linear& linear, const at::Tensor& rows) {
  if (!linear.packed.defined()) return plainProduct(rows, linear.weight, linear.bias);
  const std::int64_t count = rows.size(0);
  if (count >= kLeastRows) return packedProduct(rows.contiguous(), linear.packed, linear.bias);
  const std::vector<at::Tensor> repeated(kLeastRows, rows);
  return packedProduct(at::cat(repeated).narrow(0, 0, kLeastRows), linear.packed, linear.bias).narrow(0, 0, count);
}

bool packable(at::ScalarType type) {
  static const bool f32 = canPack(at::kFloat), bf16 = canPack(at::kBFloat16);
  return type == at::kFloat ? f32 : type == at::kBFloat16 && bf16;
}

void pack(Linear& linear) {
  linear.packed = packedWeight(linear.weight);
  linear.weight = at::Tensor();
}

at::Tensor plainWeight(const Linear& linear) {
  return linear.weight.defined() ? linear.weight : linear.packed.to_dense();
}

Linear joined(std::span<const Linear* const> parts) {
  std::vector<at::Tensor> weights, biases;
  for (const Linear* part : parts) {
    weights.push_back(part->weight);
    if (part->bias.defined()) biases.push_back(part->bias);
  }
  return {at::cat(weights), biases.empty() ? at::Tensor() : at::cat(biases), {}};
}

}  // namespace kvatlas::capture
