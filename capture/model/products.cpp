#include "capture/model/products.h"

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "capture/model/host_threads.h"

namespace kvatlas::capture {
namespace {

// The layout is chosen for products of many rows; it is the fastest for 2 to 16 rows too.
constexpr std::int64_t kPackedRows = 512;
// Large enough for a product's full rate, small enough to take some milliseconds in all.
constexpr std::int64_t kTrialRows = 128, kTrialWidth = 512;
constexpr int kTrials = 4;
constexpr double kPlainMustBe = 0.75;  // of the packed path's time

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

double threadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Work>
double timed(const Work& work) {
  const double start = threadSeconds();
  work();
  return threadSeconds() - start;
}

ProductPath measuredPath(at::ScalarType type) {
  const at::TensorOptions options = at::TensorOptions().dtype(type);
  const at::Tensor weight = at::full({kTrialWidth, kTrialWidth}, 0.25, options),
                   rows = at::full({kTrialRows, kTrialWidth}, 0.5, options), packed = packedWeight(weight);
  const LibraryThreads one(1);
  double plain = std::numeric_limits<double>::max(), blocked = plain;
  for (int trial = 0; trial < kTrials; ++trial) {
    plain = std::min(plain, timed([&] { static_cast<void>(plainProduct(rows, weight, {})); }));
    blocked = std::min(blocked, timed([&] { static_cast<void>(packedProduct(rows, packed, {})); }));
  }
  return plain < kPlainMustBe * blocked ? ProductPath::Plain : ProductPath::Packed;
}

ProductPath pathOf(at::ScalarType type) {
  try {
    return measuredPath(type);
  } catch (const c10::Error&) {
    return ProductPath::Plain;  // this oneDNN cannot pack the type
  }
}

}  // namespace

const char* nameOf(ProductPath path) {
  switch (path) {
    case ProductPath::Measured:
      return "measured";
    case ProductPath::Plain:
      return "plain";
    case ProductPath::Packed:
      return "packed";
  }
  return "";
}

at::Tensor product(const Linear& linear, const at::Tensor& rows) {
  if (!linear.packed.defined()) return plainProduct(rows, linear.weight, linear.bias);
  // oneDNN sums a single row in another order; with a second one it gets the bits it has in any batch.
  if (rows.size(0) == 1) return packedProduct(at::cat({rows, rows}), linear.packed, linear.bias).narrow(0, 0, 1);
  return packedProduct(rows.contiguous(), linear.packed, linear.bias);
}

ProductPath fasterPath(at::ScalarType type) {
  static const ProductPath f32 = pathOf(at::kFloat);
  if (type == at::kFloat) return f32;
  static const ProductPath bf16 = pathOf(at::kBFloat16);
  return bf16;
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
