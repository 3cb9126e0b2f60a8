// libtorch's matrix product as a baseline for kernels, called through the capture library. Plain values only.
#pragma once

#include <cstdint>

#include "core/base/outcome.h"

namespace kvatlas::app {

struct MatrixProductCall {
  std::int64_t rows = 0, columns = 0, depth = 0;
  int threads = 1;
  bool one_dnn = false;       // else MKL
  double* seconds = nullptr;  // one thread: processor time; else wall time
};

using MatrixProductEntry = void (*)(const MatrixProductCall*, Outcome*);  // "kvatlasMatrixProduct"

}  // namespace kvatlas::app
