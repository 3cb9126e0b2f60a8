// The product of a few rows with a large matrix as it lies in memory, which is read once.
#pragma once

#include <cstddef>

namespace kvatlas::kernels {

struct FewRows {
  const float* rows = nullptr;    // [count, depth]
  const float* matrix = nullptr;  // [outputs, depth]
  std::size_t count = 0, outputs = 0, depth = 0;
};

// output [count, outputs]: rows · matrixᵀ. A row's numbers depend neither on the other rows nor on the threads.
void multiplyFewRows(const FewRows& product, float* output, unsigned threads);

}  // namespace kvatlas::kernels
