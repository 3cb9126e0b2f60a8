#include "kernels/few_rows.h"

#include "kernels/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/few_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace kvatlas::kernels {
namespace HWY_NAMESPACE {

// Outputs [first, end) of every row. Four rows of the matrix stay in the cache while all rows are multiplied with them.
void fewRowsOutputs(const FewRows& product, std::size_t first, std::size_t end, float* output) {
  const std::size_t depth = product.depth;
  std::size_t o = first;
#if HWY_TARGET != HWY_SCALAR
  for (; o + 4 <= end; o += 4) {
    for (std::size_t r = 0; r < product.count; ++r) {
      dotFour(product.rows + r * depth, product.matrix + o * depth, depth, output + r * product.outputs + o);
    }
  }
#endif
  for (; o < end; ++o) {
    for (std::size_t r = 0; r < product.count; ++r) {
      output[r * product.outputs + o] = dot(product.rows + r * depth, product.matrix + o * depth, depth);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kvatlas::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/parallel.h"

namespace kvatlas::kernels {

namespace {
// A multiple of four, so that an output is computed alike whoever computes it.
constexpr std::size_t kOutputsOfTask = 256;
}  // namespace

HWY_EXPORT(fewRowsOutputs);

void multiplyFewRows(const FewRows& product, float* output, unsigned threads) {
  const std::size_t tasks = (product.outputs + kOutputsOfTask - 1) / kOutputsOfTask;
  const double work = 2.0 * static_cast<double>(product.count * product.outputs * product.depth);
  parallelFor(tasks, threadsFor(work, threads), [&](std::size_t task, unsigned) {
    const std::size_t first = task * kOutputsOfTask;
    HWY_DYNAMIC_DISPATCH(fewRowsOutputs)
    (product, first, std::min(first + kOutputsOfTask, product.outputs), output);
  });
}

}  // namespace kvatlas::kernels
#endif
